//! Statements for PREPARE and EXECUTE.

/// Values for the parameters of a statement, of the types in its casts.
pub(crate) fn values(text: &str) -> Vec<String> {
    let casts = (1..).map_while(|number| text.split_once(&format!("${number}::")));
    casts.map(|(_, cast)| value(cast)).collect()
}

/// Those values, but with the database's own clock where one could be given.
pub(crate) fn values_by_own_clock(text: &str) -> Vec<String> {
    let is_clock = |number: usize| text.contains(&format!("coalesce(${number}::timestamptz"));
    let value = |(number, value)| if is_clock(number) { "NULL".to_owned() } else { value };
    (1..).zip(values(text)).map(value).collect()
}

/// NULL for each of them.
pub(crate) fn nulls(text: &str) -> Vec<String> {
    values(text).into_iter().map(|_| "NULL".to_owned()).collect()
}

/// The SQL that runs a prepared statement.
pub(crate) fn execute(prepared: &str, values: &[String]) -> String {
    match values.is_empty() {
        true => format!("EXECUTE {prepared}"),
        false => format!("EXECUTE {prepared} ({})", values.join(", ")),
    }
}

/// The name under which a statement is prepared.
pub(crate) fn prepared(name: &str) -> String {
    name.replace('/', "_")
}

/// A value of the type that a cast begins with.
fn value(cast: &str) -> String {
    let word = |text: &str| {
        let is_of_names = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        text.chars().take_while(is_of_names).collect::<String>()
    };
    let name = word(cast);
    let after = &cast[name.len()..];
    // One type has two words.
    let after = after.strip_prefix(" precision").unwrap_or(after);
    let is_array = after.starts_with("[]");
    // An element of an array may be cast, too.
    let after = after.strip_prefix("[])[at]").unwrap_or(after);
    let (of, value) = match (name.as_str(), after.strip_prefix("::").map(word).as_deref()) {
        ("text", Some("event_status")) => ("text", "'published'"),
        ("text", Some("event_language")) => ("text", "'en'"),
        ("text", Some("delivery_state")) => ("text", "'delivered'"),
        ("text", Some("mail_state")) => ("text", "'sent'"),
        ("text", None) => ("text", "'x'"),
        ("uuid", None) => ("uuid", "gen_random_uuid()"),
        ("integer", None) => ("integer", "7"),
        ("bigint", None) => ("bigint", "7"),
        ("double", None) => ("double precision", "7"),
        ("boolean", None) => ("boolean", "true"),
        ("timestamptz", None) => ("timestamptz", "now()"),
        ("bytea", None) => ("bytea", "sha256('')"),
        other => panic!("there is no value of {other:?}"),
    };
    match is_array {
        true => format!("ARRAY[{value}]::{of}[]"),
        false => value.to_owned(),
    }
}
