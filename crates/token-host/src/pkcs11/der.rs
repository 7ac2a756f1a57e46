//! As much DER as objects of a token need.

/// CKA_SERIAL_NUMBER is the DER of the INTEGER (PKCS#11 2.40, 4.6.3); serial numbers have at most 20 bytes.
pub fn integer(content: &[u8]) -> Vec<u8> {
    let mut der = vec![0x02, u8::try_from(content.len()).unwrap_or(0x7F)];
    der.extend_from_slice(content);
    der
}

/// How many bytes the SEQUENCE at the beginning has, its header included; `None` where there is no whole one.
pub fn sequence_len(bytes: &[u8]) -> Option<usize> {
    let [0x30, first, rest @ ..] = bytes else { return None };
    let (count, len) = match *first {
        len @ 0..=0x7F => (0, usize::from(len)),
        count @ 0x81..=0x84 => {
            let count = usize::from(count & 0x7F);
            let bytes = rest.get(..count)?;
            (count, bytes.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)))
        }
        _ => return None,
    };
    let whole = 2 + count + len;
    (whole <= bytes.len()).then_some(whole)
}

/// Without the zeros behind a SEQUENCE: a module may give whole blocks of its memory.
pub fn unpadded(mut value: Vec<u8>) -> Vec<u8> {
    if let Some(len) = sequence_len(&value)
        && value[len..].iter().all(|byte| *byte == 0)
    {
        value.truncate(len);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cut_off_anywhere_is_no_whole_sequence_and_zeros_behind_one_are_dropped() {
        let mut der = vec![0x30, 0x82, 0x01, 0x00];
        der.extend([7; 256]);
        assert_eq!(sequence_len(&der), Some(260));
        for len in 0..der.len() {
            assert_eq!(sequence_len(&der[..len]), None, "{len}");
            assert_eq!(unpadded(der[..len].to_vec()), der[..len]);
        }
        let padded = [der.as_slice(), &[0; 4]].concat();
        assert_eq!(unpadded(padded), der);
        let followed = [der.as_slice(), &[0, 1]].concat();
        assert_eq!(unpadded(followed.clone()), followed);
        assert_eq!(sequence_len(&[0x30, 0]), Some(2));
    }
}
