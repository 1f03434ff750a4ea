//! Requests of lookups as they come in. Nearly all are alike but for their key: one or more keys, a token perhaps, and the
//! same rest over and over. Those are not decoded: where their keys are is enough to find an answer that is kept, and the
//! rest, as bytes, is what its plan is found by.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use prost::Message;
use prost::encoding::{WireType, decode_varint};
use tonic::Status;

use crate::domain::answer::MAX_BATCH_KEYS;

/// The tags of `LookupRequest`, `BatchLookupRequest` and `StreamLookupRequest`, which share them.
const KEYS: u32 = 1;
const TOKEN: u32 = 4;
/// All that makes a plan: fields, kind, purpose, channel, view, html, about.
const OF_PLAN: [u32; 7] = [2, 3, 5, 6, 8, 9, 10];

/// A request that is decoded when somebody needs all of it.
#[derive(Clone)]
pub struct Undecoded {
    bytes: Bytes,
}

/// A request that is like most of them: it names its keys and what is asked of them, and at most a token besides.
#[derive(PartialEq)]
pub struct Plain<'a> {
    /// Its keys, at least one.
    pub keys: Keys<'a>,
    /// Its token; empty if it has none.
    pub token: &'a str,
    /// What is asked: the message without keys and token.
    pub rest: Cow<'a, [u8]>,
}

/// The keys of a request.
#[derive(PartialEq)]
pub enum Keys<'a> {
    /// One.
    One(&'a str),
    /// Several.
    Many(Vec<&'a str>),
}

/// Without its bytes, which name a customer.
impl fmt::Debug for Undecoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Undecoded").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// Without its keys, which name customers.
impl fmt::Debug for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plain").field("keys", &self.keys).field("rest", &self.rest.len()).finish_non_exhaustive()
    }
}

/// How many there are.
impl fmt::Debug for Keys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = match self {
            Self::One(_) => 1,
            Self::Many(keys) => keys.len(),
        };
        f.debug_tuple("Keys").field(&count).finish()
    }
}

impl<'a> Keys<'a> {
    /// All of them, in their order.
    pub fn into_vec(self) -> Vec<&'a str> {
        match self {
            Self::One(key) => vec![key],
            Self::Many(keys) => keys,
        }
    }
}

impl Undecoded {
    /// A message as it came.
    pub fn new(bytes: Bytes) -> Self {
        Self { bytes }
    }

    /// All of it.
    pub fn decode<Q: Message + Default>(&self) -> Result<Q, Status> {
        // As tonic says it of messages that it decodes itself; the gate makes INVALID_ARGUMENT of it.
        Q::decode(self.bytes.clone()).map_err(|error| Status::internal(error.to_string()))
    }

    /// Its parts, if it is like most. What is not is decoded, and so is what is malformed.
    pub fn plain(&self) -> Option<Plain<'_>> {
        let bytes = self.bytes.as_ref();
        let mut keys: Option<Keys<'_>> = None;
        let (mut token, mut rest) = ("", Rest { bytes, parts: Cow::Borrowed(&[]), open: 0..0 });
        let mut at = 0;
        while at < bytes.len() {
            let part = Part::read(bytes, at)?;
            match part.tag {
                KEYS => {
                    let key = part.text(bytes)?;
                    keys = Some(match keys {
                        None => Keys::One(key),
                        Some(Keys::One(first)) => Keys::Many(vec![first, key]),
                        Some(Keys::Many(keys)) if keys.len() >= MAX_BATCH_KEYS => return None,
                        Some(Keys::Many(mut keys)) => {
                            keys.push(key);
                            Keys::Many(keys)
                        }
                    });
                }
                TOKEN => token = part.text(bytes)?,
                tag if OF_PLAN.contains(&tag) => rest.push(at..part.value.end)?,
                _ => return None,
            }
            at = part.value.end;
        }
        Some(Plain { keys: keys?, token, rest: rest.close()? })
    }
}

/// What is left of a message, which is nearly always one piece.
struct Rest<'a> {
    bytes: &'a [u8],
    parts: Cow<'a, [u8]>,
    open: Range<usize>,
}

impl<'a> Rest<'a> {
    fn push(&mut self, part: Range<usize>) -> Option<()> {
        if self.open.end == part.start && !self.open.is_empty() {
            self.open.end = part.end;
            return Some(());
        }
        self.flush()?;
        self.open = part;
        Some(())
    }

    fn flush(&mut self) -> Option<()> {
        let open = self.bytes.get(self.open.clone())?;
        match (self.parts.is_empty(), open.is_empty()) {
            (_, true) => {}
            (true, false) => self.parts = Cow::Borrowed(open),
            (false, false) => self.parts.to_mut().extend_from_slice(open),
        }
        Some(())
    }

    fn close(mut self) -> Option<Cow<'a, [u8]>> {
        self.flush()?;
        Some(self.parts)
    }
}

/// A field of a message, and where its value is.
struct Part {
    tag: u32,
    value: Range<usize>,
    is_block: bool,
}

impl Part {
    /// The field that begins at `at`; `None` if it is malformed, or of a shape that no lookup has.
    fn read(bytes: &[u8], at: usize) -> Option<Self> {
        let mut left = bytes.get(at..)?;
        let key = decode_varint(&mut left).ok()?;
        let tag = u32::try_from(key >> 3).ok()?;
        let is_block = key & 7 == WireType::LengthDelimited as u64;
        if !is_block && key & 7 != WireType::Varint as u64 {
            return None;
        }
        let number = decode_varint(&mut left).ok()?;
        let start = bytes.len() - left.len();
        let length = if is_block { usize::try_from(number).ok()? } else { 0 };
        let end = start.checked_add(length).filter(|end| *end <= bytes.len())?;
        Some(Self { tag, value: start..end, is_block })
    }

    fn text<'a>(&self, bytes: &'a [u8]) -> Option<&'a str> {
        let value = bytes.get(self.value.clone()).filter(|_| self.is_block)?;
        std::str::from_utf8(value).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::v1::LookupRequest;

    fn asked(request: &LookupRequest) -> Undecoded {
        Undecoded::new(request.encode_to_vec().into())
    }

    #[test]
    fn the_three_requests_have_the_same_fields() {
        let pool = prost_reflect::DescriptorPool::decode(crate::proto::DESCRIPTORS).unwrap();
        let fields = |name: &str| -> Vec<(u32, String, String)> {
            let message = pool.get_message_by_name(name).unwrap();
            message
                .fields()
                .map(|field| (field.number(), field.name().to_owned(), format!("{:?}", field.kind())))
                .collect()
        };
        let of_one = fields("kith.v1.LookupRequest");
        assert_eq!(fields("kith.v1.BatchLookupRequest"), of_one);
        assert_eq!(fields("kith.v1.StreamLookupRequest"), of_one);
        assert_eq!(of_one.len(), OF_PLAN.len() + 4, "each is in a plan, or is keys, token, not_before or send_id");
    }

    #[test]
    fn a_plain_request_is_taken_apart_and_any_other_is_left_whole() {
        let request = LookupRequest {
            keys: vec!["user_id:1".into()],
            fields: vec!["a".into(), "b".into()],
            token: "t".into(),
            purpose: "marketing".into(),
            html: true,
            ..Default::default()
        };
        let rest = LookupRequest { keys: Vec::new(), token: String::new(), ..request.clone() }.encode_to_vec();
        let whole = asked(&request);
        let Plain { keys, token, rest: found } = whole.plain().unwrap();
        assert_eq!((keys, token, found.as_ref()), (Keys::One("user_id:1"), "t", rest.as_slice()));

        let many = asked(&LookupRequest { keys: ["1", "2", "3"].map(str::to_owned).to_vec(), ..request.clone() });
        assert_eq!(many.plain().unwrap().keys, Keys::Many(vec!["1", "2", "3"]));
        assert_eq!(many.plain().unwrap().rest, rest);

        for other in [
            LookupRequest { keys: Vec::new(), ..request.clone() },
            LookupRequest { send_id: "s".into(), ..request.clone() },
            LookupRequest { not_before: Some(prost_types::Timestamp::default()), ..request.clone() },
        ] {
            assert_eq!(asked(&other).plain(), None);
            assert_eq!(asked(&other).decode::<LookupRequest>().unwrap(), other);
        }
    }

    proptest! {
        /// Whatever comes in: nothing panics, and what is taken apart is what would have been decoded.
        #[test]
        fn a_plain_request_is_what_it_would_have_been_decoded_to(
            keys in prop::collection::vec("[a-z:0-9]{0,3}", 0..3),
            fields in prop::collection::vec("[a-z]{0,3}", 0..3),
            token in "[a-z]{0,2}",
            view in "[a-z]{0,2}",
            cut in 0_usize..40,
            flip in prop::option::of((0_usize..40, any::<u8>())),
        ) {
            let request = LookupRequest { keys, fields, token, view, ..Default::default() };
            let mut bytes = request.encode_to_vec();
            if let Some((at, byte)) = flip && let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes.truncate(40_usize.saturating_sub(cut).max(1));
            let asked = Undecoded::new(bytes.into());
            let Some(Plain { keys, token, rest }) = asked.plain() else { return Ok(()) };
            let Ok(whole) = asked.decode::<LookupRequest>() else {
                // What is wrong with the rest is found when its plan is made.
                prop_assert!(LookupRequest::decode(rest.as_ref()).is_err());
                return Ok(());
            };
            let keys: Vec<String> = match keys {
                Keys::One(key) => vec![key.to_owned()],
                Keys::Many(keys) => keys.into_iter().map(str::to_owned).collect(),
            };
            let rest = LookupRequest::decode(rest.as_ref()).unwrap();
            prop_assert_eq!(LookupRequest { keys, token: token.to_owned(), ..rest }, whole);
        }
    }
}
