//! Hosts that lead to an appling.

use std::{collections::BTreeMap, ops::Range};

use hops_model::HostName;

use super::{Lowered, report_both};
use crate::{
    Code,
    document::Document,
    not_yet,
    table::{Field, Table, Text},
};

/// A host and where it is written.
#[derive(Debug)]
pub(crate) struct PlacedHost {
    pub(crate) host: HostName,
    span: Range<usize>,
}

/// Reads `domains` and `domain`, and says where they or the redirect have no effect.
pub(super) fn read(table: &Table<'_>, public: bool, www_redirect: bool) -> Vec<PlacedHost> {
    report_both(table, "domains", "domain");
    let many = table.field("domains").map(Field::texts).unwrap_or_default();
    let one = table.field("domain").and_then(Field::text);
    let hosts: Vec<_> = many.into_iter().chain(one).filter_map(|text| parse(&text)).collect();

    let listing = table.field("domains").or_else(|| table.field("domain"));
    if let Some(field) = listing.filter(|_| !public) {
        let message = format!("`{}` has no effect: `[ingress]` has `disable = true`", field.name());
        let help = "take out one of them".to_owned();
        field.document().warning(Code::NoEffect, field.key_span(), message, Some(help));
    }
    if let Some(field) = table.field("from_to_www_redirect").filter(|_| www_redirect) {
        if listing.is_none() {
            let message = "`from_to_www_redirect` has no effect without `domains`".to_owned();
            let help = "take it out, or list the host that is to be the target".to_owned();
            field.document().warning(Code::NoEffect, field.key_span(), message, Some(help));
        } else {
            not_yet::warn(field);
        }
    }
    hosts
}

/// Reports hosts that lead to two applings, or twice to one.
pub(crate) fn check_between(applings: &[(&Document, &Lowered)]) {
    let mut seen: BTreeMap<HostName, (&Document, &Lowered, &PlacedHost)> = BTreeMap::new();
    for (document, lowered) in applings {
        for placed in &lowered.hosts {
            let counterpart = placed.host.www_counterpart();
            if let Some((other_document, other_lowered, other)) = seen.get(&placed.host) {
                let place = place(other_document, document, other);
                let message = if other_lowered.appling.name == lowered.appling.name {
                    format!("`{}` is listed twice, first in {place}", placed.host)
                } else {
                    format!("`{}` is also listed in {place}; a host leads to one appling", placed.host)
                };
                let help = Some("take one of them out".to_owned());
                document.error(Code::DuplicateHost, placed.span.clone(), message, help);
            } else if let Some((other_document, other_lowered, other)) = seen.get(&counterpart)
                && (lowered.appling.www_redirect || other_lowered.appling.www_redirect)
            {
                let place = place(other_document, document, other);
                let message = format!(
                    "`{}` and `{}` (in {place}) are both listed, but `from_to_www_redirect` makes one of them redirect",
                    placed.host, other.host
                );
                let help = Some("list the target alone, or take out `from_to_www_redirect`".to_owned());
                document.error(Code::DuplicateHost, placed.span.clone(), message, help);
            }
            seen.entry(placed.host.clone()).or_insert((document, lowered, placed));
        }
    }
}

fn place(document: &Document, seen_from: &Document, placed: &PlacedHost) -> String {
    let line = document.line_number(placed.span.start);
    if document.path() == seen_from.path() {
        format!("line {line}")
    } else {
        format!("`{}` line {line}", document.path())
    }
}

fn parse(text: &Text<'_>) -> Option<PlacedHost> {
    match HostName::parse(text.as_str()) {
        Ok(host) => Some(PlacedHost { host, span: text.span() }),
        Err(fault) => {
            let help = if text.as_str().is_ascii() {
                host_alone(text.as_str()).map(|host| format!("write \"{host}\""))
            } else {
                Some("write other letters in their ASCII form, which begins with `xn--`".to_owned())
            };
            text.invalid(fault.to_string(), help);
            None
        }
    }
}

/// The host in a URL, or before a port.
fn host_alone(text: &str) -> Option<HostName> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = rest.split(['/', ':', '?', '#']).next()?;
    HostName::parse(host).ok().filter(|found| found.as_str() != text)
}
