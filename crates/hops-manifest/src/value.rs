//! Values of variables and headers: a text, a sealed value, or a key of a Secret.

use hops_model::{SecretName, VariableValue};
use toml::de::{DeTable, DeValue};

use crate::{
    Code, sealed, suggest,
    table::{Field, number_text, type_words},
};

/// Reads a value. `what` says what will see it, for the warning about numbers.
pub(crate) fn read(field: &Field<'_>, what: &str) -> Option<VariableValue> {
    let scalar = match field.value() {
        DeValue::String(text) => {
            if text.contains('\0') {
                let message =
                    format!("`{}` contains a NUL character, which no variable can hold", field.shown());
                field.document().error(Code::InvalidValue, field.value_span(), message, None);
                return None;
            }
            return Some(VariableValue::Literal(text.to_string()));
        }
        DeValue::Table(table) => return read_table(field, table),
        DeValue::Boolean(flag) => flag.to_string(),
        value => {
            if number_text(value).is_none() {
                field.report_type();
            }
            number_text(value)?
        }
    };
    let found = type_words(field.value());
    let message = format!("`{}` is {found}, not a text; {what} will see \"{scalar}\"", field.shown());
    let help = format!("write `{} = \"{scalar}\"`", field.name());
    field.document().warning(Code::NotAString, field.value_span(), message, Some(help));
    Some(VariableValue::Literal(scalar))
}

/// Reads `{ encrypted = "…" }` where nothing else is possible.
pub(crate) fn read_sealed(field: &Field<'_>) -> Option<String> {
    let DeValue::Table(table) = field.value() else {
        field.report_type();
        return None;
    };
    if let VariableValue::Sealed(text) = read_table(field, table)? {
        return Some(text);
    }
    let message =
        format!("`{}` has to be a sealed value; a key of a Secret is not possible here", field.shown());
    let help = "write `{ encrypted = \"…\" }`".to_owned();
    field.document().error(Code::InvalidValue, field.value_span(), message, Some(help));
    None
}

fn read_table(field: &Field<'_>, table: &DeTable<'_>) -> Option<VariableValue> {
    const PARTS: [&str; 3] = ["encrypted", "secret", "key"];
    let document = field.document();
    let mut fine = true;
    for (key, value) in table {
        let name: &str = key.get_ref();
        if !PARTS.contains(&name) {
            let message = format!("unknown key `{name}` in the value of `{}`", field.shown());
            let help = suggest::nearest(name, PARTS).map_or_else(
                || {
                    "a value is a text, `{ encrypted = \"…\" }` or `{ secret = \"NAME\", key = \"KEY\" }`"
                        .to_owned()
                },
                |near| format!("did you mean `{near}`?"),
            );
            document.error(Code::UnknownKey, key.span(), message, Some(help));
            fine = false;
        } else if !value.get_ref().is_str() {
            let found = type_words(value.get_ref());
            let message =
                format!("`{name}` in the value of `{}` has to be a text, not {found}", field.shown());
            document.error(Code::WrongType, value.span(), message, None);
            fine = false;
        }
    }
    let part = |name: &str| table.get(name).and_then(|value| Some((value.get_ref().as_str()?, value.span())));
    if !fine {
        return None;
    }
    match (part("encrypted"), part("secret"), part("key")) {
        (Some((text, span)), None, None) => sealed::check(document, text, field.key_span(), span)
            .map(|text| VariableValue::Sealed(text.to_owned())),
        (None, Some((secret, span)), Some((key, key_span))) => {
            let secret = SecretName::parse(secret)
                .map_err(|fault| document.error(Code::InvalidValue, span, fault.to_string(), None))
                .ok();
            if !is_secret_key(key) {
                let message = format!(
                    "`{key}` cannot be a key of a Secret; letters, digits, `-`, `_` and `.` are possible"
                );
                document.error(Code::InvalidValue, key_span, message, None);
                return None;
            }
            Some(VariableValue::SecretKey { secret: secret?, key: key.to_owned() })
        }
        (Some(_), _, _) => {
            let message =
                format!("`{}` has both a sealed value and a Secret; one of them is possible", field.shown());
            document.error(Code::ConflictingKeys, field.value_span(), message, None);
            None
        }
        (None, secret, key) => {
            let missing = match (secret, key) {
                (Some(_), _) => "`key`, the key in the Secret, is missing",
                (_, Some(_)) => "`secret`, the Secret's name, is missing",
                (None, None) => "an empty table is no value",
            };
            let help = "write a text, `{ encrypted = \"…\" }` or `{ secret = \"NAME\", key = \"KEY\" }`";
            let message = format!("`{}`: {missing}", field.shown());
            document.error(Code::MissingKey, field.key_span(), message, Some(help.to_owned()));
            None
        }
    }
}

/// Whether Kubernetes takes it as a key in a Secret, and so as a file name of a mounted one.
pub(crate) fn is_secret_key(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=253).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with("..") && text != "."
}
