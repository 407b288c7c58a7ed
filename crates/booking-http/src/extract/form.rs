//! A form, as browsers send it where no script does (WHATWG URL, section 5): the names and values of its fields.

use crate::extract::body::{is_plain, read_small};
use crate::extract::idempotency_key::{RequestKey, of_form};
use actix_web::dev::Payload;
use actix_web::http::header::HeaderMap;
use actix_web::web::Query;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

/// The longest form, in bytes: all valid answers, and the rest, with each byte in three as `%C3`.
const FORM_BYTES_MAX: usize = 32 * 1_024;
const FORM: &str = "application/x-www-form-urlencoded";

/// The fields of a form. Unknown ones are ignored: browsers and their extensions add some.
pub(crate) struct Form {
    fields: Vec<(String, String)>,
    key: Option<RequestKey>,
}

impl Form {
    /// The value of a field; empty if it is missing. Of several it is the first.
    pub(crate) fn value(&self, name: &str) -> &str {
        let field = self.fields.iter().find(|(field, _)| field == name);
        field.map_or("", |(_, value)| value.as_str())
    }

    /// All values of a field, as several boxes of one name have.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        let fields = self.fields.iter().filter(|(field, _)| field == name);
        fields.map(|(_, value)| value.as_str()).collect()
    }

    /// The key that makes a repeated form the same request, as when its answer is reloaded.
    pub(crate) fn key(&self) -> Option<&RequestKey> {
        self.key.as_ref()
    }

    fn read(request: &HttpRequest, body: &[u8]) -> Self {
        // Invalid UTF-8 is reported at its field.
        let text = String::from_utf8_lossy(body);
        let fields = Query::<Vec<(String, String)>>::from_query(&text).map(Query::into_inner);
        let mut form = Self { fields: fields.unwrap_or_default(), key: None };
        form.key = of_form(request, form.value("key"), body);
        form
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    is_plain(headers, FORM)
}

impl FromRequest for Form {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let bytes = read_small(&request, &mut payload, is_form, FORM_BYTES_MAX).await?;
            Ok(Self::read(&request, &bytes))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn fields_are_read_as_browsers_write_them() {
        let request = TestRequest::post().uri("/e/1").to_http_request();
        let form = Form::read(
            &request,
            b"key=00000000-0000-7000-8000-000000000000&user_email=ada%2Bjazz%40example.org&name=Ada+L%C3%B6ve&name=x&z",
        );
        assert_eq!(form.value("user_email"), "ada+jazz@example.org");
        assert_eq!(
            (form.value("name"), form.value("z"), form.value("nothing")),
            ("Ada Löve", "", "")
        );
        assert!(form.key().is_some());
        for none in [&b""[..], b"&&&=&=", b"%", b"%zz=%", b"\xff\xfe=\xff", b"key=x"] {
            assert!(Form::read(&request, none).key().is_none());
        }
    }
}
