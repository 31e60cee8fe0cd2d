//! Little-endian values in buffers whose length a device may have chosen: no index, no panic.

/// Takes values from the front of a message.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// The next `count` bytes, or nothing where fewer are left.
    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.rest
    }
}

/// Puts values one after another into a buffer; once one has not fitted, nothing is whole any more.
pub(super) struct Writer<'a> {
    out: &'a mut [u8],
    length: usize,
    whole: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut [u8]) -> Writer<'a> {
        Writer { out, length: 0, whole: true }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        match self.out.get_mut(self.length..).and_then(|rest| rest.get_mut(..bytes.len())) {
            Some(place) if self.whole => {
                place.copy_from_slice(bytes);
                self.length += bytes.len();
            }
            _ => self.whole = false,
        }
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    /// Bytes put, or nothing where something did not fit.
    pub(super) fn finish(self) -> Option<usize> {
        self.whole.then_some(self.length)
    }
}

/// Copies `bytes` behind the first `length` of `buffer`; the new length, or nothing where they do not fit.
pub(super) fn append(buffer: &mut [u8], length: usize, bytes: &[u8]) -> Option<usize> {
    let end = length.checked_add(bytes.len())?;
    buffer.get_mut(length..end)?.copy_from_slice(bytes);
    Some(end)
}
