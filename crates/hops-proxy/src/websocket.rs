//! As much of the WebSocket protocol (RFC 6455) as it takes to end one between two frames.

/// Where in a stream of frames one is.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// What has been seen of a frame's head.
    head: [u8; 14],
    seen: usize,
    /// What is left of a frame's payload.
    payload: u64,
    /// Whether a Close frame began: after it nothing may be said.
    pub(crate) has_closed: bool,
}

/// "Going away" (RFC 6455 7.4.1), as a server says it.
pub(crate) const GOING_AWAY: &[u8] = &[0x88, 2, 0x03, 0xE9];
/// The same as a client says it: masked, if only by zeroes.
pub(crate) const GOING_AWAY_MASKED: &[u8] = &[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE9];

impl Frames {
    /// Whether the next byte begins a frame.
    pub(crate) fn is_between(&self) -> bool {
        self.seen == 0 && self.payload == 0
    }

    /// Goes through bytes of the stream, all of them or up to the first border between two frames. Returns how many.
    pub(crate) fn pass(&mut self, bytes: &[u8], to_border: bool) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            if self.payload > 0 {
                let left = bytes.len() - at;
                let take = usize::try_from(self.payload).map_or(left, |payload| payload.min(left));
                self.payload -= take as u64;
                at += take;
            } else {
                self.head[self.seen] = bytes[at];
                self.seen += 1;
                at += 1;
                if self.seen >= 2 && self.seen == self.head_length() {
                    self.has_closed |= self.head[0] & 0x0F == 8;
                    self.payload = self.payload_length();
                    self.seen = 0;
                }
            }
            if to_border && self.is_between() {
                break;
            }
        }
        at
    }

    fn head_length(&self) -> usize {
        let extended = match self.head[1] & 0x7F {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + extended + if self.head[1] & 0x80 == 0 { 0 } else { 4 }
    }

    fn payload_length(&self) -> u64 {
        let bytes = match self.head[1] & 0x7F {
            126 => &self.head[2..4],
            127 => &self.head[2..10],
            short => return u64::from(short),
        };
        bytes.iter().fold(0, |length, byte| length << 8 | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(opcode: u8, length: usize, is_masked: bool) -> Vec<u8> {
        let mut frame = vec![0x80 | opcode];
        let mask = if is_masked { 0x80 } else { 0 };
        match length {
            0..126 => frame.push(mask | u8::try_from(length).unwrap()),
            126..65536 => {
                frame.push(mask + 126);
                frame.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                frame.push(mask + 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend(std::iter::repeat_n(0xAA, length + if is_masked { 4 } else { 0 }));
        frame
    }

    #[test]
    fn borders_are_found_however_the_bytes_come() {
        for is_masked in [false, true] {
            for length in [0, 1, 125, 126, 65_535, 65_536] {
                let frame = frame(2, length, is_masked);
                for step in [1, 3, frame.len()] {
                    let mut frames = Frames::default();
                    for (index, piece) in frame.chunks(step).enumerate() {
                        assert_eq!(frames.pass(piece, false), piece.len());
                        let is_last = (index + 1) * step >= frame.len();
                        assert_eq!(frames.is_between(), is_last, "{length} {step} {is_masked}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_pass_to_the_border_stops_there() {
        let mut frames = Frames::default();
        let two = [frame(1, 5, false), frame(8, 2, false)].concat();
        assert_eq!(frames.pass(&two[..4], true), 4);
        assert_eq!(frames.pass(&two[4..], true), 3);
        assert!(frames.is_between() && !frames.has_closed);
        assert_eq!(frames.pass(&two[7..], true), 4);
        assert!(frames.has_closed);
    }

    #[test]
    fn what_we_say_is_one_frame() {
        for bytes in [GOING_AWAY, GOING_AWAY_MASKED] {
            let mut frames = Frames::default();
            assert_eq!(frames.pass(bytes, true), bytes.len());
            assert!(frames.is_between() && frames.has_closed);
        }
    }
}
