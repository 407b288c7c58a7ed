//! How many lanes are active, and how many more there is room for.

use crate::limits::{
    LANES_MAX, LANES_PER_ENDPOINT, LANES_PER_ENDPOINT_CROWDED, LANES_PER_FAILING,
    LANES_PER_ORGANIZER, LANES_PER_ORGANIZER_CROWDED, MAIL_LANES,
};
use booking_core::{Endpoint, EndpointId, OrganizerId, SinkId};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The endpoints, and the number of active lanes of each sink.
#[derive(Debug, Default)]
pub(super) struct Room {
    endpoints: HashMap<EndpointId, Arc<Endpoint>>,
    under_way: HashMap<SinkId, usize>,
    /// The endpoints whose last message failed.
    failing: HashSet<EndpointId>,
}

impl Room {
    /// Replaces the list of endpoints.
    pub(super) fn set_endpoints(&mut self, endpoints: HashMap<EndpointId, Arc<Endpoint>>) {
        self.endpoints = endpoints;
        self.failing.retain(|id| self.endpoints.contains_key(id));
    }

    pub(super) fn has_endpoints(&self) -> bool {
        !self.endpoints.is_empty()
    }

    pub(super) fn endpoint(&self, id: EndpointId) -> Option<Arc<Endpoint>> {
        self.endpoints.get(&id).cloned()
    }

    /// Notes the result of the last message to an endpoint; returns whether this one or the one
    /// before had failed.
    pub(super) fn note(&mut self, id: EndpointId, went_well: bool) -> bool {
        match went_well {
            true => self.failing.remove(&id),
            false => {
                self.failing.insert(id);
                true
            }
        }
    }

    pub(super) fn begin(&mut self, sink: SinkId) {
        *self.under_way.entry(sink).or_default() += 1;
    }

    pub(super) fn end(&mut self, sink: SinkId) {
        if let Some(under_way) = self.under_way.get_mut(&sink) {
            *under_way -= 1;
            if *under_way == 0 {
                self.under_way.remove(&sink);
            }
        }
    }

    /// Which sinks to claim lanes of, and how many. Each sink is asked for all that it may still
    /// have, as nearly all of them have nothing to do; the total may exceed [`LANES_MAX`] by the
    /// result of one claim.
    pub(super) fn wanted(&self, sends_mail: bool) -> Vec<(SinkId, usize)> {
        let under_way = |sink: SinkId| self.under_way.get(&sink).copied().unwrap_or_default();
        let mut wanted = Vec::new();
        if sends_mail {
            // Mail goes on, whatever endpoints do.
            wanted.push((SinkId::MAIL, MAIL_LANES.saturating_sub(under_way(SinkId::MAIL))));
        }
        let all: usize = self.under_way.values().sum();
        if all < LANES_MAX {
            let is_crowded = all >= LANES_MAX / 2;
            let of_organizers = self.of_organizers();
            for endpoint in self.endpoints.values().filter(|one| one.disabled.is_none()) {
                let of_organizer = of_organizers[&endpoint.organizer_id];
                let fails = self.failing.contains(&endpoint.id);
                let most = most(fails, is_crowded, of_organizer);
                let more = most.saturating_sub(under_way(endpoint.id.into()));
                wanted.push((endpoint.id.into(), more));
            }
        }
        wanted.retain(|(_, more)| *more > 0);
        wanted
    }

    /// The number of active lanes of each organizer's endpoints.
    fn of_organizers(&self) -> HashMap<Option<OrganizerId>, usize> {
        let mut of_organizers: HashMap<_, usize> = HashMap::new();
        for endpoint in self.endpoints.values() {
            let of_endpoint = self.under_way.get(&endpoint.id.into()).copied().unwrap_or_default();
            *of_organizers.entry(endpoint.organizer_id).or_default() += of_endpoint;
        }
        of_organizers
    }
}

/// The most lanes that an endpoint may have, given how many its organizer has: slow receivers of
/// one organizer delay neither another organizer's nor each other.
fn most(fails: bool, is_crowded: bool, of_organizer: usize) -> usize {
    let of_organizer_max =
        if is_crowded { LANES_PER_ORGANIZER_CROWDED } else { LANES_PER_ORGANIZER };
    match of_organizer {
        _ if of_organizer >= of_organizer_max => 0,
        _ if fails => LANES_PER_FAILING,
        _ if is_crowded || of_organizer >= LANES_PER_ORGANIZER / 2 => LANES_PER_ENDPOINT_CROWDED,
        _ => LANES_PER_ENDPOINT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::{EndpointSecret, EndpointUrl, TypeFilter};
    use chrono::DateTime;
    use uuid::Uuid;

    /// Endpoints of organizers with these numbers.
    fn room<const N: usize>(organizers: [u128; N]) -> (Room, [EndpointId; N]) {
        let endpoints = organizers.map(|organizer| Endpoint {
            id: Uuid::now_v7().into(),
            organizer_id: Some(Uuid::from_u128(organizer).into()),
            event_id: None,
            url: EndpointUrl::parse("https://hooks.example.org/", false).expect("it is one"),
            types: TypeFilter::ALL,
            includes_person: false,
            secret: EndpointSecret::new([1; 32]),
            former_secret: None,
            disabled: None,
            failing_since: None,
            created_at: DateTime::UNIX_EPOCH,
        });
        let ids = endpoints.each_ref().map(|endpoint| endpoint.id);
        let mut room = Room::default();
        room.set_endpoints(endpoints.into_iter().map(|one| (one.id, Arc::new(one))).collect());
        (room, ids)
    }

    fn begin(room: &mut Room, id: EndpointId, lanes: usize) {
        (0..lanes).for_each(|_| room.begin(id.into()));
    }

    fn wanted(room: &Room, id: EndpointId) -> usize {
        let wanted = room.wanted(true).into_iter().find(|(sink, _)| *sink == id.into());
        wanted.map_or(0, |(_, more)| more)
    }

    /// A hundred events that are sold at once do not wait for each other.
    #[test]
    fn one_endpoint_has_many_lanes_and_few_while_it_fails() {
        let (mut room, [id]) = room([1]);
        assert_eq!(wanted(&room, id), LANES_PER_ENDPOINT);
        begin(&mut room, id, 10);
        assert_eq!(wanted(&room, id), LANES_PER_ENDPOINT - 10);
        assert!(room.note(id, false));
        assert_eq!(wanted(&room, id), 0);
        (0..9).for_each(|_| room.end(id.into()));
        assert_eq!(wanted(&room, id), LANES_PER_FAILING - 1);
        assert!(room.note(id, true) && !room.note(id, true));
        assert_eq!(wanted(&room, id), LANES_PER_ENDPOINT - 1);
    }

    /// Two slow endpoints, before it is known whether they fail.
    #[test]
    fn one_endpoint_leaves_lanes_to_its_organizers_others() {
        let (mut room, [slow, slower, well, anothers]) = room([1, 1, 1, 2]);
        begin(&mut room, slow, LANES_PER_ENDPOINT);
        assert_eq!(wanted(&room, well), LANES_PER_ENDPOINT, "one alone is nothing to the others");
        begin(&mut room, slower, LANES_PER_ENDPOINT);
        assert_eq!(wanted(&room, well), LANES_PER_ENDPOINT_CROWDED);
        assert_eq!(wanted(&room, anothers), LANES_PER_ENDPOINT);
        let left = LANES_PER_ORGANIZER - 2 * LANES_PER_ENDPOINT;
        assert!(left / LANES_PER_ENDPOINT_CROWDED >= 8, "as many as that still have their share");
        begin(&mut room, well, left);
        assert_eq!((wanted(&room, well), wanted(&room, slow)), (0, 0));
        assert_eq!(wanted(&room, anothers), LANES_PER_ENDPOINT);
    }

    #[test]
    fn each_endpoint_has_fewer_lanes_when_half_are_in_use() {
        let (mut room, [first, second, third]) = room([1, 2, 3]);
        begin(&mut room, first, LANES_MAX / 2);
        assert_eq!(wanted(&room, first), 0);
        assert_eq!(wanted(&room, second), LANES_PER_ENDPOINT_CROWDED);
        begin(&mut room, second, LANES_PER_ORGANIZER_CROWDED);
        assert_eq!(wanted(&room, second), 0);
        assert_eq!(wanted(&room, third), LANES_PER_ENDPOINT_CROWDED);
        begin(&mut room, first, LANES_MAX / 2);
        assert_eq!(wanted(&room, third), 0);
        assert_eq!(room.wanted(true), [(SinkId::MAIL, MAIL_LANES)], "whatever endpoints do");
    }
}
