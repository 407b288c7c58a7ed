//! The grant of an organizer's token: its role, and the events that it may be used for.

use crate::problem::ApiError;
use booking_core::{EventId, Organizer, OrganizerToken, Role};

/// A good token of an organizer.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) organizer: Organizer,
    pub(crate) role: Role,
    /// The only events that it is for; `None` for all of the organizer's.
    pub(crate) events: Option<Vec<EventId>>,
}

impl Grant {
    /// Checks that it may be used for a request that needs the role `wants`.
    ///
    /// # Errors
    /// [`ApiError::RoleForbids`].
    pub(crate) fn check_role(&self, wants: Role) -> Result<(), ApiError> {
        let has = self.role;
        if has >= wants { Ok(()) } else { Err(ApiError::RoleForbids { has, wants }) }
    }

    /// That it is for each of `ids`.
    ///
    /// # Errors
    /// [`ApiError::NotFound`], as for the events of other organizers: to this token there are no others.
    pub(crate) fn check_events(&self, ids: &[EventId]) -> Result<(), ApiError> {
        let Some(events) = &self.events else { return Ok(()) };
        let is_for = |id: &EventId| events.contains(id);
        if ids.iter().all(is_for) { Ok(()) } else { Err(ApiError::NotFound) }
    }
}

impl From<OrganizerToken> for Grant {
    fn from(token: OrganizerToken) -> Self {
        let OrganizerToken { organizer, role, events, .. } = token;
        Self { organizer, role, events }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_core::OrganizerName;
    use uuid::Uuid;

    fn grant(role: Role, events: Option<&[u128]>) -> Grant {
        let name = OrganizerName::parse("Jazz club").expect("a valid name");
        let organizer = Organizer::new(Uuid::nil().into(), name);
        let events = events.map(|ids| ids.iter().map(|id| event(*id)).collect());
        Grant { organizer, role, events }
    }

    fn event(number: u128) -> EventId {
        Uuid::from_u128(number).into()
    }

    #[test]
    fn a_role_includes_lesser_roles_and_no_more() {
        for (place, has) in Role::ALL.into_iter().enumerate() {
            for (of, wants) in Role::ALL.into_iter().enumerate() {
                let checked = grant(has, None).check_role(wants);
                assert_eq!(checked.is_ok(), of <= place, "{has} for {wants}");
                let Err(error) = checked else { continue };
                let message = error.to_string();
                assert!(
                    message.contains(has.as_str()) && message.contains(wants.as_str()),
                    "{message}"
                );
            }
        }
    }

    #[test]
    fn a_token_of_some_events_knows_of_no_others() {
        let one = grant(Role::Door, Some(&[1, 2]));
        assert!(one.check_events(&[]).is_ok() && one.check_events(&[event(2), event(1)]).is_ok());
        for others in [&[event(3)][..], &[event(1), event(3)]] {
            assert!(matches!(one.check_events(others), Err(ApiError::NotFound)));
        }
        assert!(grant(Role::Door, Some(&[])).check_events(&[event(1)]).is_err());
        assert!(grant(Role::Door, None).check_events(&[event(3)]).is_ok());
    }
}
