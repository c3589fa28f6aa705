//! Quantities by their value: the API server writes `0.5Gi` as `512Mi` and `1000m` as `1`.

use super::path::{Path, Segment};

/// Whether the field at this path is a quantity.
pub(super) fn is_quantity(path: &Path) -> bool {
    path.0.windows(2).any(|pair| {
        let name = |segment: &Segment| match segment {
            Segment::Field(name) => name.clone(),
            Segment::Item(_) => String::new(),
        };
        name(&pair[0]) == "resources" && matches!(name(&pair[1]).as_str(), "requests" | "limits")
    })
}

/// Whether two texts are the same amount.
pub(super) fn same_amount(a: &str, b: &str) -> bool {
    match (amount(a), amount(b)) {
        // Relative, as both are products of a decimal number and a factor.
        (Some(a), Some(b)) => (a - b).abs() <= f64::EPSILON * a.abs().max(b.abs()),
        _ => a == b,
    }
}

fn amount(text: &str) -> Option<f64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1024.0_f64.powi(2),
        "Gi" => 1024.0_f64.powi(3),
        "Ti" => 1024.0_f64.powi(4),
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * factor)
}

#[cfg(test)]
mod tests {
    use super::same_amount;

    #[test]
    fn spellings_of_one_amount_are_the_same() {
        for (a, b) in
            [("0.5Gi", "512Mi"), ("1000m", "1"), ("0.1", "100m"), ("1024Mi", "1Gi"), ("2.25", "2250m")]
        {
            assert!(same_amount(a, b), "{a} {b}");
        }
        assert!(!same_amount("100m", "101m"));
        assert!(!same_amount("1G", "1Gi"));
    }
}
