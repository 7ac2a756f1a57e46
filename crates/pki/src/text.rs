//! Texts to be signed or sealed: a name, then fields, each behind its length as a big-endian `u32`; integers are 4
//! bytes, big-endian.

use zeroize::Zeroizing;

use crate::PkiError;

/// A text being written. Wiped when dropped, because some hold secrets.
pub(crate) struct Text(Zeroizing<Vec<u8>>);

impl Text {
    pub(crate) fn named(name: &str) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(1024))).field(name.as_bytes())
    }

    pub(crate) fn field(mut self, bytes: &[u8]) -> Self {
        // A field is a name, a number or a hash; none comes near 4 GiB.
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&len.to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn number(self, number: u32) -> Self {
        self.field(&number.to_be_bytes())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        std::mem::take(&mut *self.0)
    }
}

/// A text being read, field by field.
pub(crate) struct Fields<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// # Errors
    /// [`PkiError::Malformed`] where it is longer than `limit` or bears another name.
    pub(crate) fn of(
        what: &'static str,
        name: &str,
        bytes: &'a [u8],
        limit: usize,
    ) -> Result<Self, PkiError> {
        if bytes.len() > limit {
            return Err(PkiError::TooLarge { what, len: bytes.len(), limit });
        }
        let mut fields = Self { what, rest: bytes };
        if fields.next()? == name.as_bytes() { Ok(fields) } else { Err(fields.bad("another name")) }
    }

    pub(crate) fn next(&mut self) -> Result<&'a [u8], PkiError> {
        let cut = self.rest.split_first_chunk::<4>().and_then(|(len, rest)| {
            let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
            (len <= rest.len()).then(|| rest.split_at(len))
        });
        let (field, rest) = cut.ok_or_else(|| self.bad("it ends too early"))?;
        self.rest = rest;
        Ok(field)
    }

    pub(crate) fn text(&mut self) -> Result<String, PkiError> {
        let field = self.next()?;
        std::str::from_utf8(field).map(str::to_owned).map_err(|_| self.bad("a name that is no text"))
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], PkiError> {
        self.next()?.try_into().map_err(|_| self.bad("a field of another length"))
    }

    pub(crate) fn number(&mut self) -> Result<u32, PkiError> {
        self.array().map(u32::from_be_bytes)
    }

    /// # Errors
    /// [`PkiError::Malformed`] where something is left.
    pub(crate) fn end(self) -> Result<(), PkiError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.bad("it goes on after its end")) }
    }

    pub(crate) fn bad(&self, reason: &str) -> PkiError {
        PkiError::bad(self.what, reason)
    }
}
