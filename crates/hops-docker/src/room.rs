//! Whether an appling fits the machine at all. Pure.
//!
//! Docker sets nothing aside: what a file requests is a statement, and the machine's owner may oversell. What exceeds the
//! whole machine is refused, as Kubernetes would.

use hops_model::{Cause, CauseCode, DesiredAppling};

use crate::daemon::Machine;

const MIB: f64 = 1024.0 * 1024.0;

/// Why the containers of an appling find no room, however empty the machine is.
pub(crate) fn too_large(form: &DesiredAppling, machine: &Machine) -> Option<Cause> {
    let replicas = f64::from(form.replicas);
    let requests = &form.resources.requests;
    let memory = requests
        .memory
        .as_ref()
        .filter(|memory| memory.bytes() * replicas > f64::from(machine.memory_mib) * MIB);
    let cpu = requests
        .cpu
        .as_ref()
        .filter(|cpu| cpu.millicores() * replicas > f64::from(machine.processors) * 1000.0);
    let memory = memory.map(|memory| {
        format!(
            "{} of memory, of which the machine has {:.1} GiB",
            memory.as_str(),
            f64::from(machine.memory_mib) / 1024.0
        )
    });
    let cpu = cpu
        .map(|cpu| format!("{} processors, of which the machine has {}", cpu.as_str(), machine.processors));
    let lacking: Vec<String> = memory.into_iter().chain(cpu).collect();
    (!lacking.is_empty()).then(|| {
        let each = if form.replicas == 1 { "a container asks" } else { "each of its containers asks" };
        Cause::new(
            CauseCode::DoesNotFit,
            format!("the machine has no room for it: {each} for {}", lacking.join(", and for ")),
            "lower `[requests]` or `replicas` in iterapp.toml, or use a larger machine",
        )
    })
}

#[cfg(test)]
mod tests {
    use hops_model::{
        app::Amounts,
        quantity::{Cpu, Memory},
    };

    use super::*;
    use crate::{form::tests::appling, render::tests::machine};

    fn check(replicas: u16, memory: &str, cpu: &str, expected: Option<&str>) {
        let mut form = DesiredAppling { replicas, ..appling("web", 1) };
        form.resources.requests =
            Amounts { memory: Some(Memory::parse(memory).unwrap()), cpu: Some(Cpu::parse(cpu).unwrap()) };
        let machine = machine();
        let cause = too_large(&form, &machine);
        assert_eq!(cause.as_ref().map(|cause| cause.message.as_str()), expected);
    }

    #[test]
    fn what_exceeds_the_whole_machine_is_refused() {
        check(2, "2Gi", "1", None);
        check(
            1,
            "9999Gi",
            "900",
            Some(
                "the machine has no room for it: a container asks for 9999Gi of memory, of which the machine has 4.0 GiB, and for 900 processors, of which the machine has 2",
            ),
        );
        check(
            3,
            "2Gi",
            "100m",
            Some(
                "the machine has no room for it: each of its containers asks for 2Gi of memory, of which the machine has 4.0 GiB",
            ),
        );
    }
}
