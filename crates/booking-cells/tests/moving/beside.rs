//! What is beside events while they move: tokens and endpoints, which are copied, and the names of the stores.

use crate::common::Backend;
use crate::{
    Pair, Steps, Until, clear_all, have_it_leave, left_by, mover, new_mover, plain_event, register,
    seat,
};
use booking_cells::{MoveError, Mover, SharedCopy, Step};
use booking_core::prelude::*;
use booking_core::{
    EndpointChange, EndpointId, EndpointSecret, EndpointUrl, NewEndpoint, NewToken, Organizer,
    OrganizerId, OrganizerName, Place, TokenHash, TokenId, TypeFilter, WhyDisabled,
};
use uuid::Uuid;

async fn new_token(store: &dyn MoveStore, organizer: &Organizer, token: u8) -> TokenId {
    let hash = TokenHash::new([token; 32]);
    let new = NewToken::new(Uuid::now_v7().into(), organizer.clone(), hash);
    store.create_token(new).await.expect("it answers").expect("there is room").id
}

async fn new_endpoint(store: &dyn MoveStore, organizer: OrganizerId) -> EndpointId {
    let new = NewEndpoint {
        id: Uuid::now_v7().into(),
        organizer_id: Some(organizer),
        event_id: None,
        url: url("hooks"),
        types: TypeFilter::ALL,
        includes_person: false,
        secret: EndpointSecret::new([5; 32]),
    };
    store.create_endpoint(new).await.expect("it answers").expect("there is room").id
}

fn url(host: &str) -> EndpointUrl {
    EndpointUrl::parse(&format!("https://{host}.example.org/"), false).expect("valid")
}

async fn is_valid(store: &dyn MoveStore, id: TokenId) -> bool {
    let tokens = store.tokens().await.expect("it answers");
    tokens.iter().any(|token| token.id == id && token.revoked_at.is_none())
}

/// An endpoint's URL, and whether it is enabled; `None` if there is none of that id.
async fn endpoint(store: &dyn MoveStore, id: EndpointId) -> Option<(EndpointUrl, bool)> {
    let endpoints = store.endpoints().await.expect("it answers");
    let found = endpoints.into_iter().find(|endpoint| endpoint.id == id);
    found.map(|endpoint| (endpoint.url, endpoint.disabled.is_none()))
}

async fn change(store: &dyn MoveStore, id: EndpointId, change: EndpointChange) {
    store.change_endpoint(id, change).await.expect("it answers").expect("it is there");
}

fn disabled() -> EndpointChange {
    EndpointChange { enabled: Some(Err(WhyDisabled::ByOrganizer)), ..EndpointChange::default() }
}

/// While events move, organizers get tokens and lose them, and change their endpoints.
async fn a_revoked_token_is_revoked_in_the_target(from: fn() -> Backend, to: fn() -> Backend) {
    let pair = Pair::of(from, to).await;
    let (from, to, all) = (&*pair.from, &*pair.to, Steps::all());
    let mover = mover(from, to, &all);
    let club = Organizer::new(Uuid::now_v7().into(), OrganizerName::parse("Club").expect("valid"));
    let (stays, goes) = (new_token(from, &club, 1).await, new_token(from, &club, 2).await);
    let mut shared = SharedCopy::default();
    mover.copy_shared_again(&mut shared).await.expect("the stores answer");
    assert!(is_valid(to, stays).await && is_valid(to, goes).await);

    from.revoke_token(goes).await.expect("it answers");
    to.revoke_token(stays).await.expect("it answers");
    let later = new_token(from, &club, 3).await;
    mover.copy_shared_again(&mut shared).await.expect("the stores answer");
    assert!(!is_valid(to, goes).await, "it is worthless in both");
    assert!(is_valid(to, later).await);
    assert!(!is_valid(to, stays).await, "and never good again");
    assert!(is_valid(from, stays).await, "nothing is carried back");
    // In a run of its own, too.
    from.revoke_token(later).await.expect("it answers");
    mover.copy_shared().await.expect("the stores answer");
    assert!(!is_valid(to, later).await);
}

async fn a_changed_endpoint_is_changed_in_the_target(from: fn() -> Backend, to: fn() -> Backend) {
    let pair = Pair::of(from, to).await;
    let (from, to, all) = (&*pair.from, &*pair.to, Steps::all());
    let mover = mover(from, to, &all);
    let club = Organizer::new(Uuid::now_v7().into(), OrganizerName::parse("Club").expect("valid"));
    new_token(from, &club, 1).await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(new_endpoint(from, club.id).await);
    }
    let [stops, moves, goes, stays] = ids[..] else { panic!("there are four") };
    mover.copy_shared().await.expect("the stores answer");
    // An organizer who uses the new store already changes it there, and is not overruled by what is
    // older.
    change(to, stays, disabled()).await;
    let mut shared = SharedCopy::default();
    mover.copy_shared_again(&mut shared).await.expect("the stores answer");

    change(from, stops, disabled()).await;
    let elsewhere = EndpointChange { url: Some(url("other")), ..EndpointChange::default() };
    change(from, moves, elsewhere).await;
    assert!(from.delete_endpoint(goes).await.expect("it answers"));
    let comes = new_endpoint(from, club.id).await;
    for _ in 0..2 {
        mover.copy_shared_again(&mut shared).await.expect("the stores answer");
        assert_eq!(endpoint(to, stops).await, Some((url("hooks"), false)));
        assert_eq!(endpoint(to, moves).await, Some((url("other"), true)));
        assert_eq!(endpoint(to, goes).await, None);
        assert_eq!(endpoint(to, comes).await, Some((url("hooks"), true)));
        assert_eq!(endpoint(to, stays).await, Some((url("hooks"), false)));
    }
    // What was created meanwhile is known from then on.
    change(from, comes, disabled()).await;
    let enabled = EndpointChange { enabled: Some(Ok(())), ..EndpointChange::default() };
    change(from, stops, enabled).await;
    mover.copy_shared_again(&mut shared).await.expect("the stores answer");
    assert_eq!(endpoint(to, comes).await, Some((url("hooks"), false)));
    assert_eq!(endpoint(to, stops).await, Some((url("hooks"), true)));
}

/// A store is not moved to itself, by whatever name.
async fn a_store_is_not_moved_to_itself(backend: fn() -> Backend, other: fn() -> Backend) {
    let (backend, other) = (backend(), other());
    let (one, same) = (backend.open_to_move(None).await, backend.open_to_move(None).await);
    let other = other.open_to_move(None).await;
    let event = one.create_event(plain_event(9)).await.expect("it answers").id;
    let all = Steps::all();
    for refused in [
        mover(&*one, &*same, &all).move_event(event).await,
        mover(&*one, &*same, &all).abandon(event).await.map(drop),
        mover(&*one, &*one, &all).check_apart().await,
    ] {
        assert!(matches!(refused, Err(MoveError::OneStore(_))), "{refused:?}");
    }
    assert_eq!(one.place_of(event).await.expect("it answers"), Place::Served);
    seat(&*one, register(event, "ada")).await;
    mover(&*one, &*other, &all).check_apart().await.expect("they are two");
    mover(&*same, &*other, &all).move_event(event).await.expect("nothing is in its way");
    assert_eq!(
        one.identity().await.expect("it answers"),
        same.identity().await.expect("it answers")
    );
}

/// An event left for a store that has forgotten it since and has another name by now: it is copied there, and to no
/// other.
async fn an_event_goes_on_to_the_store_that_it_left_for(
    from: fn() -> Backend,
    to: fn() -> Backend,
) {
    let pair = Pair::of(from, to).await;
    let (from, to, all) = (&*pair.from, &*pair.to, Steps::all());
    let event = from.create_event(plain_event(9)).await.expect("it answers").id;
    let ada = seat(from, register(event, "ada")).await;
    let left_by_move = have_it_leave(&pair, event).await;
    clear_all(to, event, left_by_move).await;
    assert!(to.give_up_room(event, left_by_move).await.expect("it answers"));
    assert_eq!(to.place_of(event).await.expect("it answers"), Place::Unknown);

    let third_backend = Backend::sqlite();
    let third = third_backend.open_to_move(Some(pair.clock.as_clock())).await;
    let elsewhere = Mover { to_name: "a third", ..mover(from, &*third, &all) };
    let refused = elsewhere.move_event(event).await;
    assert!(
        matches!(&refused, Err(MoveError::Elsewhere(to)) if to.starts_with("here")),
        "{refused:?}"
    );
    assert_eq!(third.place_of(event).await.expect("it answers"), Place::Unknown);
    assert_eq!(left_by(from, event).await, left_by_move);

    let stops = Until(|step| matches!(step, Step::Activated(_)));
    let called_otherwise = Mover { to_name: "here, by another road", ..mover(from, to, &stops) };
    let stopped = called_otherwise.move_event(event).await;
    assert!(matches!(stopped, Err(MoveError::Stopped)), "{stopped:?}");
    assert!(to.registration(ada.id).await.expect("it answers").is_some());
    // It moves back to where it came from, by whatever name, although it was not deleted there.
    let back = mover(to, from, &all);
    for (from_name, to_name) in [("here", "where it was"), ("here", "there")] {
        let back = Mover { from_name, to_name, ..back };
        back.move_event(event).await.expect("it comes back");
    }
    assert_eq!(pair.served(event).await, 1);
    assert!(from.registration(ada.id).await.expect("it answers").is_some());
    assert!(!from.begin_arriving(event, new_mover(), "where").await.expect("it answers"));
}

in_all_pairs! {
    a_revoked_token_is_revoked_in_the_target
    a_changed_endpoint_is_changed_in_the_target
    a_store_is_not_moved_to_itself
    an_event_goes_on_to_the_store_that_it_left_for
}
