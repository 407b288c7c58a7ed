//! Who organizes here.

use super::Answer;
use crate::identity;
use crate::service::Service;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

/// `GET /organizer`: whose token the request shows; nobody's, and that the server is open, while it is.
pub(super) async fn show(request: HttpRequest, service: Data<Service>) -> Answer {
    if service.access.is_open() {
        return Ok(HttpResponse::Ok().json(json!({"open": true, "organizer": null})));
    }
    let organizer = identity::organizer(&service.access, request.headers())?;
    let organizer = json!({"id": organizer.id, "name": organizer.name});
    Ok(HttpResponse::Ok().json(json!({"open": false, "organizer": organizer})))
}
