//! What containers ask of the machine, and may use at most.

use hops_model::{
    app::{Amounts, Resources},
    quantity::{Cpu, Memory},
};

use crate::{
    Code,
    table::{Field, Table},
};

/// Reads `[requests]` and `[limits]`.
pub(super) fn read(table: &Table<'_>) -> Resources {
    let requests = table.field("requests").and_then(Field::table);
    let limits = table.field("limits").and_then(Field::table);
    let amounts = |table: &Option<Table<'_>>| table.as_ref().map(read_amounts).unwrap_or_default();
    let resources = Resources { requests: amounts(&requests), limits: amounts(&limits) };

    let (asked, most) = (&resources.requests, &resources.limits);
    if let (Some(asked), Some(most)) = (&asked.memory, &most.memory)
        && asked.bytes() > most.bytes()
    {
        report_excess(requests.as_ref(), "memory", asked.as_str(), most.as_str());
    }
    if let (Some(asked), Some(most)) = (&asked.cpu, &most.cpu)
        && asked.millicores() > most.millicores()
    {
        report_excess(requests.as_ref(), "cpu", asked.as_str(), most.as_str());
    }
    resources
}

fn read_amounts(table: &Table<'_>) -> Amounts {
    Amounts {
        memory: table.field("memory").and_then(|field| field.parsed(Memory::parse)),
        cpu: table.field("cpu").and_then(|field| field.parsed(Cpu::parse)),
    }
}

fn report_excess(requests: Option<&Table<'_>>, name: &str, asked: &str, most: &str) {
    if let Some(field) = requests.and_then(|requests| requests.field(name)) {
        let message = format!("`{name}` asks for {asked}, but `[limits]` allows {most} at most");
        let help = "lower the request or raise the limit".to_owned();
        field.document().error(Code::ConflictingKeys, field.value_span(), message, Some(help));
    }
}
