//! Writing protobuf by hand: fields are appended, and what is nested gets its length once it is known.

use bytes::BufMut;
use prost::encoding::{WireType, encode_varint, encoded_len_varint};

/// Lengths below this take the one byte that is kept for them.
const ONE_BYTE: usize = 0x80;

/// Text, bytes or a whole message; left out if it is empty.
pub fn block(out: &mut impl BufMut, tag: u32, bytes: &[u8]) {
    if !bytes.is_empty() {
        present_block(out, tag, bytes);
    }
}

/// Bytes that say something by being there.
pub fn present_block(out: &mut impl BufMut, tag: u32, bytes: &[u8]) {
    key(out, tag, WireType::LengthDelimited);
    varint(out, bytes.len() as u64);
    out.put_slice(bytes);
}

/// A whole number, an enum or a flag; left out if it is 0.
pub fn number(out: &mut Vec<u8>, tag: u32, number: u64) {
    if number != 0 {
        present_number(out, tag, number);
    }
}

/// A whole number that says something by being there.
pub fn present_number(out: &mut Vec<u8>, tag: u32, number: u64) {
    key(out, tag, WireType::Varint);
    varint(out, number);
}

/// A double that says something by being there.
pub fn present_double(out: &mut Vec<u8>, tag: u32, number: f64) {
    key(out, tag, WireType::SixtyFourBit);
    out.put_f64_le(number);
}

/// A message in a message. Most are short: their length takes one byte, and only longer ones are moved to make room.
pub fn nested(out: &mut Vec<u8>, tag: u32, write: impl FnOnce(&mut Vec<u8>)) {
    key(out, tag, WireType::LengthDelimited);
    let start = out.len();
    out.push(0);
    write(out);
    let length = out.len() - start - 1;
    if length < ONE_BYTE {
        if let Some(place) = out.get_mut(start) {
            *place = length as u8;
        }
        return;
    }
    let room = encoded_len_varint(length as u64);
    out.extend(std::iter::repeat_n(0, room - 1));
    out.copy_within(start + 1..start + 1 + length, start + room);
    if let Some(mut place) = out.get_mut(start..start + room) {
        encode_varint(length as u64, &mut place);
    }
}

fn key(out: &mut impl BufMut, tag: u32, wire_type: WireType) {
    varint(out, u64::from(tag << 3 | wire_type as u32));
}

/// Nearly all of them are below 128 here, and one byte.
fn varint(out: &mut impl BufMut, number: u64) {
    match u8::try_from(number) {
        Ok(byte) if byte < 0x80 => out.put_u8(byte),
        Ok(_) | Err(_) => encode_varint(number, out),
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::{Value, value::Kind};

    use super::*;

    #[test]
    fn what_is_nested_is_as_long_as_it_says_whatever_its_length() {
        for length in [0, 1, 124, 125, 126, 127, 128, 129, 16_380, 16_384, 3_000_000] {
            let text = "x".repeat(length);
            let mut out = vec![7];
            nested(&mut out, 6, |list| {
                nested(list, 1, |value| block(value, 3, text.as_bytes()));
                nested(list, 1, |value| present_double(value, 2, 0.0));
            });
            let list = Value::decode(&out[1..]).unwrap();
            let Some(Kind::ListValue(list)) = list.kind else { panic!("no list") };
            let kinds: Vec<_> = list.values.into_iter().map(|value| value.kind).collect();
            let text = (length > 0).then_some(Kind::StringValue(text));
            assert_eq!(kinds, [text, Some(Kind::NumberValue(0.0))]);
        }
    }
}
