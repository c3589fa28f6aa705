//! Which subnet is free.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// The first subnet of the ranges that overlaps with nothing taken.
pub(super) fn first_free(ranges: &[Ipv4Net], prefix: u8, taken: &[Ipv4Net]) -> Option<Ipv4Net> {
    let overlap = |one: &Ipv4Net, other: &Ipv4Net| one.contains(other) || other.contains(one);
    ranges
        .iter()
        // A range smaller than a subnet has none.
        .filter_map(|range| range.subnets(prefix).ok())
        .flatten()
        .find(|subnet| !taken.iter().any(|taken| overlap(subnet, taken)))
}

/// The destinations in `/proc/net/route`. The default route leads everywhere and takes nothing.
pub(super) fn routes(table: &str) -> Vec<Ipv4Net> {
    table.lines().skip(1).filter_map(route).filter(|net| net.prefix_len() > 0).collect()
}

/// Columns: interface, destination, gateway, flags, references, use, metric, mask, … Addresses are hexadecimal numbers
/// in the machine's own byte order.
fn route(line: &str) -> Option<Ipv4Net> {
    let mut columns = line.split_ascii_whitespace();
    let address =
        |text: &str| u32::from_str_radix(text, 16).ok().map(|number| Ipv4Addr::from(number.to_ne_bytes()));
    let destination = address(columns.nth(1)?)?;
    let mask = address(columns.nth(5)?)?;
    Ipv4Net::with_netmask(destination, mask).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(texts: &[&str]) -> Vec<Ipv4Net> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn what_overlaps_in_either_direction_is_passed_over() {
        let ranges = nets(&["10.213.0.0/24", "172.28.0.0/23"]);
        let check = |taken: &[&str], expected: Option<&str>| {
            let expected = expected.map(|text| text.parse::<Ipv4Net>().unwrap());
            assert_eq!(first_free(&ranges, 25, &nets(taken)), expected, "{taken:?}");
        };
        check(&[], Some("10.213.0.0/25"));
        check(&["10.213.0.7/32"], Some("10.213.0.128/25"));
        check(&["10.0.0.0/8"], Some("172.28.0.0/25"));
        check(&["10.213.0.0/24", "172.28.0.0/24", "172.28.1.0/26"], Some("172.28.1.128/25"));
        check(&["10.0.0.0/8", "172.16.0.0/12"], None);
        assert_eq!(first_free(&nets(&["10.0.0.0/28"]), 25, &[]), None);
    }

    #[test]
    fn routes_are_read_as_the_kernel_writes_them() {
        let table = "\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
tun0\t0000D50A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
broken line
";
        assert_eq!(routes(table), nets(&["172.17.0.0/16", "10.213.0.0/16"]));
    }
}
