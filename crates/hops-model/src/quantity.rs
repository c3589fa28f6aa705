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
        let malformed =
            || QuantityError::Malformed { text: text.to_owned(), what: "memory", example: "128Mi" };
        let (number, unit) = split(text).ok_or_else(malformed)?;
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
            _ => return Err(malformed()),
        };
        if number * factor < LEAST_MEMORY_BYTES {
            return Err(QuantityError::TooLittle { text: text.to_owned(), what: "memory", example: "128Mi" });
        }
        Ok(Self(text.to_owned()))
    }

    /// The amount as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Cpu {
    /// Parses an amount of processor time.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let what = "processor time";
        let malformed = || QuantityError::Malformed { text: text.to_owned(), what, example: "250m" };
        let (number, unit) = split(text).ok_or_else(malformed)?;
        let millicores = match unit {
            "" => number * 1000.0,
            "m" => number,
            _ => return Err(malformed()),
        };
        if millicores < 1.0 {
            return Err(QuantityError::TooLittle { text: text.to_owned(), what, example: "250m" });
        }
        Ok(Self(text.to_owned()))
    }

    /// The amount as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_type!(Memory, QuantityError);
text_type!(Cpu, QuantityError);

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
