//! Amounts of memory and processor time, as Kubernetes writes them.

use thiserror::Error;

use crate::text_type;

/// An amount of memory, such as `98Mi`: a whole or decimal number and one of `Ki Mi Gi Ti k M G T`, or bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Memory(String);

/// An amount of processor time, such as `24m` (thousandths of a core) or `0.5` (cores).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpu(String);

/// Why a text is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuantityError {
    /// Not a number with a known unit.
    #[error("`{text}` is not an amount of {what}; write for example `{example}`")]
    Malformed {
        /// The text as given.
        text: String,
        /// `memory` or `processor time`.
        what: &'static str,
        /// A text that would be accepted.
        example: &'static str,
    },
    /// Zero, or so small that nothing could run.
    #[error("`{text}` is too little {what}; write for example `{example}`")]
    TooLittle {
        /// The text as given.
        text: String,
        /// `memory` or `processor time`.
        what: &'static str,
        /// A text that would be accepted.
        example: &'static str,
    },
}

/// Below this a container cannot even start (runc itself needs a few MiB).
const LEAST_MEMORY_BYTES: f64 = 4.0 * 1024.0 * 1024.0;

impl Memory {
    /// Parses an amount of memory.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let (text, what, example) = (text.to_owned(), "memory", "128Mi");
        match bytes(&text) {
            None => Err(QuantityError::Malformed { text, what, example }),
            Some(bytes) if bytes < LEAST_MEMORY_BYTES => {
                Err(QuantityError::TooLittle { text, what, example })
            }
            Some(_) => Ok(Self(text)),
        }
    }

    /// The amount as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The amount in bytes, for comparison.
    pub fn bytes(&self) -> f64 {
        bytes(&self.0).expect("checked by `parse`")
    }
}

impl Cpu {
    /// Parses an amount of processor time.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let (text, what, example) = (text.to_owned(), "processor time", "250m");
        match millicores(&text) {
            None => Err(QuantityError::Malformed { text, what, example }),
            Some(millicores) if millicores < 1.0 => Err(QuantityError::TooLittle { text, what, example }),
            Some(_) => Ok(Self(text)),
        }
    }

    /// The amount as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The amount in thousandths of a core, for comparison.
    pub fn millicores(&self) -> f64 {
        millicores(&self.0).expect("checked by `parse`")
    }
}

text_type!(Memory, QuantityError);
text_type!(Cpu, QuantityError);

fn bytes(text: &str) -> Option<f64> {
    let (number, unit) = split(text)?;
    let factor = match unit {
        "" => 1.0,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        _ => return None,
    };
    Some(number * factor)
}

fn millicores(text: &str) -> Option<f64> {
    match split(text)? {
        (number, "") => Some(number * 1000.0),
        (number, "m") => Some(number),
        _ => None,
    }
}

/// Splits into number and unit; `None` where there is no plain decimal number in front.
fn split(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let plain = number.starts_with(|c: char| c.is_ascii_digit()) && !number.ends_with('.');
    plain.then(|| number.parse().ok()).flatten().map(|number| (number, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_memory() {
        for text in ["98Mi", "1Gi", "0.5Gi", "134217728", "500M"] {
            assert!(Memory::parse(text).is_ok(), "{text}");
        }
        for text in ["", "Mi", "12MB", "1 Gi", "-1Gi", "1.Gi", "1.2.3Gi", "1e3"] {
            assert!(matches!(Memory::parse(text), Err(QuantityError::Malformed { .. })), "{text}");
        }
        for text in ["0", "128m", "64", "1Mi"] {
            assert!(Memory::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_of_processor_time() {
        for text in ["24m", "1", "0.5", "2.25"] {
            assert!(Cpu::parse(text).is_ok(), "{text}");
        }
        for text in ["0", "0.0001", "1 core", "24M", ""] {
            assert!(Cpu::parse(text).is_err(), "{text}");
        }
    }
}
