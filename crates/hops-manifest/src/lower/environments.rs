//! Tables with a part for every environment and parts for single ones.

use hops_model::{Environment, app::PerEnvironment};

use crate::{
    Code, suggest,
    table::{Field, Table},
};

/// The name of the part for every environment.
const COMMON: &str = "common";

/// Reads the parts of a table. `add` puts what a part holds in its place.
pub(super) fn read<T: Default>(
    table: &Table<'_>,
    mut read_part: impl FnMut(&Field<'_>, &mut T),
) -> PerEnvironment<T> {
    let mut all = PerEnvironment::<T>::default();
    for field in table.named() {
        if field.name() == COMMON {
            read_part(field, &mut all.common);
        } else if let Ok(environment) = Environment::parse(field.name()) {
            read_part(field, all.specific.entry(environment).or_default());
        } else {
            report(field, table);
        }
    }
    all
}

/// The nearest environment to a word, or `common` where that is possible.
pub(super) fn nearest(word: &str, with_common: bool) -> Option<&'static str> {
    let common = with_common.then_some(COMMON);
    suggest::nearest(word, common.into_iter().chain(Environment::all().map(|e| e.as_str())))
}

fn report(field: &Field<'_>, table: &Table<'_>) {
    let header = table.header();
    let name = field.name();
    let is_part = field
        .value()
        .as_table()
        .is_some_and(|part| !part.contains_key("encrypted") && !part.contains_key("secret"))
        || field.value().is_array();
    let (code, message, help) = if is_part {
        let help = nearest(name, true).map_or_else(
            || "there are `common`, `prod`, `test`, `snap0` to `snap9` and `local`".to_owned(),
            |near| format!("did you mean `{near}`? There are `common`, `prod`, `test`, `snap0` to `snap9` and `local`"),
        );
        (Code::UnknownEnvironment, format!("there is no environment `{name}`"), help)
    } else {
        let kind = header.trim_matches(['[', ']']).to_owned();
        let help = format!("write it under `[{kind}.{COMMON}]`, or under `[{kind}.prod]` for `prod` alone");
        (
            Code::MisplacedKey,
            format!("`{name}` stands in `{header}`, which holds a table for each environment"),
            help,
        )
    };
    field.document().error(code, field.key_span(), message, Some(help));
}
