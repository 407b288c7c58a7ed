//! Who organizes here.

use super::Answer;
use crate::identity;
use crate::service::Service;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

/// `GET /organizer`: whether anybody is the organizer, and if not, whose token the request shows.
pub(super) async fn show(request: HttpRequest, service: Data<Service>) -> Answer {
    let is_open = service.access.is_open();
    let organizer = match request.headers().contains_key(AUTHORIZATION) && !is_open {
        true => {
            let organizer = identity::organizer(&service.access, request.headers())?;
            json!({"id": organizer.id, "name": organizer.name})
        }
        false => Value::Null,
    };
    Ok(HttpResponse::Ok().json(json!({"open": is_open, "organizer": organizer})))
}
