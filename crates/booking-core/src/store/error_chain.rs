use std::error::Error;
use std::fmt;

/// Prints an error with all its sources, outermost first: for a log, whose readers look for the cause. An error's own
/// text never includes its source's.
#[derive(Debug, Clone, Copy)]
pub struct ErrorChain<'a>(pub &'a dyn Error);

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thiserror::Error;

    #[derive(Debug, Error)]
    #[error("{text}")]
    struct Failed {
        text: &'static str,
        source: Option<Box<Self>>,
    }

    #[test]
    fn nested_causes_are_printed() {
        let failed = |text, source: Option<Failed>| Failed { text, source: source.map(Box::new) };
        let beneath = failed("the disk is full", None);
        assert_eq!(ErrorChain(&beneath).to_string(), "the disk is full");
        let top = failed("no batch", Some(failed("no commit", Some(beneath))));
        assert_eq!(ErrorChain(&top).to_string(), "no batch: no commit: the disk is full");
    }
}
