//! A text with names where values go, such as `must have at most {max} bytes`.

/// One that was taken apart.
pub(super) struct Template<'a> {
    /// The parts around the names: one more than there are names.
    literals: Vec<&'a str>,
    names: Vec<&'a str>,
}

impl<'a> Template<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        let (mut literals, mut names) = (Vec::new(), Vec::new());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, behind)) = after.split_once('}') else { break };
            literals.push(before);
            names.push(name);
            rest = behind;
        }
        literals.push(rest);
        Self { literals, names }
    }

    /// The length of the fixed parts.
    pub(super) fn said_bytes(&self) -> usize {
        self.literals.iter().map(|literal| literal.len()).sum()
    }

    /// The values with which the template makes `text`, by their names; `None` if there are none. None is empty.
    pub(super) fn values<'t>(&self, text: &'t str) -> Option<Vec<(&'a str, &'t str)>> {
        let (first, others) = self.literals.split_first()?;
        let mut rest = text.strip_prefix(*first)?;
        let mut values = Vec::with_capacity(self.names.len());
        for (place, (name, literal)) in self.names.iter().zip(others).enumerate() {
            let is_last = place + 1 == others.len();
            let value = match is_last {
                true => rest.strip_suffix(*literal)?,
                false => rest.split_once(*literal)?.0,
            };
            if value.is_empty() {
                return None;
            }
            values.push((*name, value));
            rest = rest.get(value.len() + literal.len()..)?;
        }
        rest.is_empty().then_some(values)
    }

    /// The text with these values in it.
    pub(super) fn fill(&self, value_of: impl Fn(&str) -> String) -> String {
        let mut text = String::new();
        for (place, literal) in self.literals.iter().enumerate() {
            text.push_str(literal);
            if let Some(name) = self.names.get(place) {
                text.push_str(&value_of(name));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inserted_values_are_matched_again() {
        let of =
            |template: &'static str, text: &'static str| Template::parse(template).values(text);
        assert_eq!(of("is missing", "is missing"), Some(vec![]));
        assert_eq!(of("is missing", "is missing here"), None);
        let range = "from {min} to {max}.";
        assert_eq!(of(range, "from 1 to 9."), Some(vec![("min", "1"), ("max", "9")]));
        assert_eq!(of(range, "from 1 to 9"), None);
        assert_eq!(of(range, "from 1."), None);
        assert_eq!(of("{a} {b}", " x"), None, "no value is empty");
        assert_eq!(of("the {what}", "the ü {b}"), Some(vec![("what", "ü {b}")]));
    }

    #[test]
    fn inserted_values_are_not_parsed() {
        let template = Template::parse("{b}, {a} und {a");
        assert_eq!(template.fill(|name| format!("{{{name}}}")), "{b}, {a} und {a");
        assert_eq!(template.fill(|_| "{a}".to_owned()), "{a}, {a} und {a");
    }
}
