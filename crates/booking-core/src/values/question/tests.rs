use super::*;
use crate::AnswerText;
use serde_json::{from_str, from_value, json, to_string};

fn key(text: &str) -> QuestionKey {
    QuestionKey::parse(text).expect("a valid key")
}

fn question(name: &str, kind: QuestionKind) -> Question {
    let option =
        |name| QuestionOption { key: key(name), label: OptionLabel::parse(name).expect("valid") };
    let options = if kind.has_options() { vec![option("a"), option("b")] } else { Vec::new() };
    let wording = Wording::parse(&format!("What about {name}?")).expect("valid");
    Question { key: key(name), kind, wording, is_required: false, options }
}

fn asked(questions: impl IntoIterator<Item = Question>) -> AskedQuestions {
    AskedQuestions::parse(questions.into_iter().collect()).expect("valid")
}

fn answers(json: serde_json::Value) -> Answers {
    from_value(json).expect("answers")
}

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(hour * 3_600, 0).expect("in range")
}

#[test]
fn keys_are_short_words_and_keep_their_order() {
    for text in ["a", "diet", "t-shirt_2", &"x".repeat(32)] {
        assert_eq!(key(text).as_str(), text);
        assert_eq!(from_str(&to_string(&key(text)).expect("JSON")).ok(), Some(key(text)));
    }
    for text in ["", "Diet", "a b", "ä", "a.b", &"x".repeat(33)] {
        assert_eq!(QuestionKey::parse(text), Err(Invalid::NotAKey), "{text:?}");
        assert!(from_str::<QuestionKey>(&format!("{text:?}")).is_err());
    }
    assert!(["-", "a", "a0", "ab", "b"].map(key).is_sorted());
}

#[test]
fn questions_have_unique_keys_and_options_only_for_choices() {
    let [text, choice] = [QuestionKind::Text, QuestionKind::Choice].map(|kind| question("a", kind));
    let twice = AskedQuestions::parse(vec![text.clone(), choice.clone()]);
    assert_eq!(twice, Err(Invalid::NotQuestions { max: QUESTIONS_MAX }));
    let many = |count: usize| {
        let questions =
            (0..count).map(|number| question(&format!("q{number}"), QuestionKind::Text));
        AskedQuestions::parse(questions.collect())
    };
    assert!(many(QUESTIONS_MAX).is_ok() && many(QUESTIONS_MAX + 1).is_err());
    let options = choice.options.clone();
    for wrong in [
        Question { options: Vec::new(), ..choice.clone() },
        Question { options: [&options[..], &options[..1]].concat(), ..choice },
        Question { options, ..text },
    ] {
        assert_eq!(AskedQuestions::parse(vec![wrong]), Err(Invalid::NoSuchOptions));
    }
}

#[test]
fn each_kind_accepts_only_its_own_form_of_answer() {
    let questions = QuestionKind::ALL.map(|kind| question(&kind.as_str().replace('_', "-"), kind));
    let questions = Questions::NONE.replaced_by(&asked(questions), at(0)).expect("it fits");
    let good =
        json!({"text": "Ada", "choice": "a", "several": ["a", "b"], "yes-no": false, "consent": 1});
    assert_eq!(questions.check(&answers(good.clone()), &Answers::default(), true), Ok(()));
    let wrong = [
        ("text", json!(true), AnswerFault::NotText),
        ("choice", json!("c"), AnswerFault::NotAnOption),
        ("choice", json!(["a"]), AnswerFault::NotAnOption),
        ("several", json!(["a", "c"]), AnswerFault::NotOptions),
        ("several", json!("a"), AnswerFault::NotOptions),
        ("yes-no", json!("yes"), AnswerFault::NotYesNo),
        ("consent", json!(true), AnswerFault::NotAVersion),
        ("consent", json!(2), AnswerFault::OtherWording { version: 1 }),
        ("other", json!("x"), AnswerFault::NoQuestion),
    ];
    for (name, answer, fault) in wrong {
        let mut given = good.clone();
        given[name] = answer;
        let refused = questions.check(&answers(given), &Answers::default(), true);
        assert_eq!(refused, Err((key(name), fault)), "{name}");
    }
}

#[test]
fn required_answers_are_demanded_only_of_visitors() {
    let required = Question { is_required: true, ..question("a", QuestionKind::Text) };
    let questions = Questions::NONE.replaced_by(&asked([required]), at(0)).expect("it fits");
    let (none, one) = (Answers::default(), answers(json!({"a": "yes"})));
    assert_eq!(questions.check(&none, &none, true), Err((key("a"), AnswerFault::Missing)));
    assert_eq!(questions.check(&none, &one, true), Ok(()));
    assert_eq!(questions.check(&none, &none, false), Ok(()));
    let back = AnswersChange::parse([(key("a"), None)].into()).expect("short");
    assert_eq!(questions.change(&one, &back, true), Err((key("a"), AnswerFault::Missing)));
    assert_eq!(questions.change(&one, &back, false), Ok(none));
}

#[test]
fn an_answered_question_is_retired_and_not_changed() {
    let (text, other) = (question("a", QuestionKind::Text), question("b", QuestionKind::Text));
    let both = asked([text.clone(), other.clone()]);
    let mut questions = Questions::NONE.replaced_by(&both, at(0)).expect("it fits");
    let reworded = Question { wording: Wording::parse("Why?").expect("valid"), ..text.clone() };
    assert!(
        questions.replaced_by(&asked([reworded.clone()]), at(1)).is_ok(),
        "nobody has answered"
    );
    assert!(questions.note_answered(&answers(json!({"a": "x"}))));
    assert!(!questions.note_answered(&answers(json!({"a": "y"}))), "that is no news");
    for wrong in [reworded, question("a", QuestionKind::YesNo)] {
        let refused = questions.replaced_by(&asked([wrong]), at(1));
        assert_eq!(refused, Err(QuestionsFault::Answered(key("a"))));
    }
    let required = Question { is_required: true, ..text.clone() };
    assert!(questions.replaced_by(&asked([required]), at(1)).is_ok(), "it means the same");

    let retired = questions.replaced_by(&asked([]), at(1)).expect("it fits");
    assert!(!retired.asks());
    assert_eq!(retired.all().len(), 1, "nobody answered the other");
    let (before, given) = (answers(json!({"a": "x"})), answers(json!({"a": "z"})));
    let refused = retired.check(&given, &given, true);
    assert_eq!(refused, Err((key("a"), AnswerFault::Retired)));
    let again = AnswersChange::from(&before);
    assert_eq!(retired.change(&before, &again, true).as_ref(), Ok(&before), "it stays");
    let asked_again = retired.replaced_by(&asked([text]), at(2)).expect("it is the same");
    assert_eq!(asked_again.all()[..1], questions.all()[..1]);
    assert_eq!(questions.replaced_by(&both, at(3)).as_ref(), Ok(&questions), "asked again");
}

#[test]
fn every_wording_that_may_have_been_agreed_to_is_stored() {
    let worded = |text: &str| {
        let wording = Wording::parse(text).expect("valid");
        asked([Question { wording, ..question("terms", QuestionKind::Consent) }])
    };
    let questions = Questions::NONE.replaced_by(&worded("One"), at(0)).expect("it fits");
    // An attendee may be reading it: so the number changes, but no wording need be stored.
    let mut questions = questions.replaced_by(&worded("Two"), at(1)).expect("nobody agreed");
    assert_eq!((questions.all()[0].version, questions.all()[0].former_wordings.len()), (2, 0));
    let two = answers(json!({"terms": 2}));
    assert_eq!(questions.check(&two, &two, true), Ok(()));
    questions.note_answered(&two);
    let questions =
        questions.replaced_by(&worded("Three"), at(2)).expect("that is no change of it");
    let stored = &questions.all()[0];
    assert_eq!(stored.version, 3);
    let wording = Wording::parse("Two").expect("valid");
    assert_eq!(stored.former_wordings, [FormerWording { version: 2, wording, replaced_at: at(2) }]);
    assert_eq!(
        questions.check(&two, &two, true),
        Err((key("terms"), AnswerFault::OtherWording { version: 3 }))
    );
    let again = AnswersChange::from(&two);
    assert_eq!(questions.change(&two, &again, true), Ok(two), "what was agreed to stays");
    let text = to_string(&questions).expect("JSON");
    assert_eq!(from_str::<Questions>(&text).ok().as_ref(), Some(&questions));

    let mut often = questions;
    let changed: Result<(), QuestionsFault> = (0..WORDINGS_MAX).try_for_each(|number| {
        often = often.replaced_by(&worded(&format!("No {number}")), at(3))?;
        Ok(())
    });
    assert_eq!(changed, Err(QuestionsFault::TooMany));
}

#[test]
fn answers_are_limited_together_and_never_shown() {
    let text = |length: usize| AnswerText::parse(&"x".repeat(length)).expect("it is short enough");
    let of = |count: usize| {
        let answer = |number| (key(&format!("q{number:03}")), Answer::Text(text(1_000)));
        Answers::parse((0..count).map(answer).collect())
    };
    assert!(of(8).is_ok());
    assert_eq!(of(9), Err(Invalid::TooManyBytes { max: Answers::BYTES_MAX }));
    let questions = (0..9).map(|number| question(&format!("q{number:03}"), QuestionKind::Text));
    let questions = Questions::NONE.replaced_by(&asked(questions), at(0)).expect("it fits");
    let one_more = (key("q008"), Some(Answer::Text(text(1_000))));
    let change = AnswersChange::parse([one_more].into()).expect("short");
    let refused = questions.change(&of(8).expect("short"), &change, true);
    assert_eq!(refused, Err((key("q008"), AnswerFault::TooLong)));
    let secret = answers(json!({"a": "vegan"}));
    let shown = format!("{secret:?} {:?} {:?}", secret.get(key("a")), AnswersChange::from(&secret));
    assert!(!shown.contains("vegan"), "{shown}");
}
