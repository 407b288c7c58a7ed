//! The body of attendees who have lost their link.

use crate::api::openapi::schemas::{email, object};
use crate::extract::body::FromBody;
use crate::extract::fields::{Fields, text};
use booking_core::{CapacityMax, EmailAddress};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The body of `POST /registrations/find`.
pub(crate) struct Find {
    pub(crate) user_email: EmailAddress,
}

impl FromBody for Find {
    fn from_fields(fields: &mut Fields<'_>, _: CapacityMax) -> Option<Self> {
        Some(Self { user_email: fields.required("user_email", text(EmailAddress::parse))? })
    }
}

impl PartialSchema for Find {
    fn schema() -> RefOr<Schema> {
        object().property("user_email", email()).required("user_email").into()
    }
}

impl ToSchema for Find {}
