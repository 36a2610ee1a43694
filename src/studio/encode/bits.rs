//! Writes numbers of any width, the highest bit first.

/// A growing string of bits.
#[derive(Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// Bits in the last byte that are not used yet.
    free: u32,
}

impl Bits {
    /// Appends the lowest `width` bits of `value`.
    pub(super) fn push(&mut self, value: u32, width: u32) {
        for place in (0..width).rev() {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            self.free -= 1;
            let last = self.bytes.last_mut().expect("a byte was pushed");
            *last |= u8::from(value >> place & 1 == 1) << self.free;
        }
    }

    /// The bits, filled up with zeros to whole bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// How many bytes there are so far.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lie_end_to_end_with_the_highest_bit_first() {
        let mut bits = Bits::default();
        bits.push(0b101, 3);
        bits.push(0b0_1111_0000, 9);
        bits.push(0, 0);
        bits.push(1, 2);
        assert_eq!(bits.bytes(), 2);
        assert_eq!(bits.into_bytes(), [0b1010_1111, 0b0000_0100]);
    }
}
