//! Values compressed one by one, for a cache that would rather unpack what is asked for than read it from the disk.
//!
//! A value is too short to be compressed by itself: what it has in common with others is learnt from the first of them and
//! shared, as a dictionary. Until there is one nothing is packed. It is made once and in memory only; where values come to
//! look different later, they are packed less well until the next start.

use std::cell::RefCell;
use std::iter::repeat_n;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, TryLockError};
use std::thread;

use zstd_safe::{CCtx, CDict, DCtx, DDict, compress_bound, get_frame_content_size, train_from_buffer};

/// Bytes of the dictionary: the processor's caches have to hold it beside everything else.
const DICTIONARY_BYTES: usize = 16 * 1024;
/// Bytes of values that it is learnt from, at most: a hundred times its size, as zstd's manual says.
const MAX_SAMPLE_BYTES: usize = 100 * DICTIONARY_BYTES;
/// Longer values are not packed: somebody waits meanwhile.
const MAX_VALUE_BYTES: usize = 64 * 1024;
/// How hard zstd tries: little, because somebody waits. Its default, 3, made values a fortieth shorter.
const LEVEL: i32 = 1;

/// A value, compressed.
#[derive(Clone)]
pub(super) struct Packed(Arc<[u8]>);

impl Packed {
    /// How many bytes it takes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Packs values that are much alike, and unpacks them.
pub(super) struct Packer {
    dictionary: OnceLock<Dictionary>,
    /// Bytes of samples that are enough.
    sample_bytes: usize,
    /// `None` once they are being learnt from.
    samples: Mutex<Option<Samples>>,
    /// True once a thread is there to do that.
    learning: AtomicBool,
}

struct Dictionary {
    packs: CDict<'static>,
    unpacks: DDict<'static>,
}

/// Values, one after the other, and how long each is.
#[derive(Default)]
struct Samples {
    bytes: Vec<u8>,
    lengths: Vec<usize>,
}

/// What a thread packs and unpacks with.
struct Contexts {
    packs: CCtx<'static>,
    /// Room for what is being packed.
    room: Vec<u8>,
    unpacks: DCtx<'static>,
}

thread_local! {
    static CONTEXTS: RefCell<Contexts> =
        RefCell::new(Contexts { packs: CCtx::create(), room: Vec::new(), unpacks: DCtx::create() });
}

impl Packer {
    /// Without a dictionary yet, for a cache of so many bytes: a small one does not wait for many samples.
    pub(super) fn new(cache_bytes: usize) -> Arc<Self> {
        let sample_bytes = MAX_SAMPLE_BYTES.min(cache_bytes / 8);
        let samples = Mutex::new(Some(Samples::default()));
        Arc::new(Self { dictionary: OnceLock::new(), sample_bytes, samples, learning: AtomicBool::new(false) })
    }

    /// `value`, packed. `None` if it is too long, and as long as there is no dictionary: then it is learnt from.
    pub(super) fn pack(self: &Arc<Self>, value: &[u8]) -> Option<Packed> {
        if value.len() > MAX_VALUE_BYTES {
            return None;
        }
        if let Some(dictionary) = self.dictionary.get() {
            return dictionary.pack(value);
        }
        if self.learn(value) && !self.learning.swap(true, Ordering::Relaxed) {
            let packer = Arc::clone(self);
            let learning = thread::Builder::new().name("kith-dictionary".to_owned());
            if learning.spawn(move || packer.make_dictionary()).is_err() {
                // There may be a thread for it when the next value comes.
                self.learning.store(false, Ordering::Relaxed);
            }
        }
        None
    }

    /// What was packed here.
    pub(super) fn unpack(&self, packed: &Packed) -> Option<Arc<[u8]>> {
        self.dictionary.get()?.unpack(packed)
    }

    /// Takes one more sample, unless somebody else does. True if there are enough.
    fn learn(&self, value: &[u8]) -> bool {
        let mut samples = match self.samples.try_lock() {
            Ok(samples) => samples,
            Err(TryLockError::Poisoned(samples)) => samples.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        let Some(samples) = samples.as_mut() else { return false };
        if samples.bytes.len() < self.sample_bytes {
            samples.bytes.extend_from_slice(value);
            samples.lengths.push(value.len());
        }
        samples.bytes.len() >= self.sample_bytes
    }

    fn make_dictionary(&self) {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(samples) = samples {
            self.dictionary.get_or_init(|| Dictionary::of(&samples));
        }
    }
}

impl Dictionary {
    /// What `samples` have in common. Nothing if zstd cannot tell, as of fewer than seven: long ones, as a rule, which need
    /// no dictionary.
    fn of(samples: &Samples) -> Self {
        let mut room = vec![0; DICTIONARY_BYTES];
        let length = train_from_buffer(room.as_mut_slice(), &samples.bytes, &samples.lengths).unwrap_or(0);
        let dictionary = room.get(..length).unwrap_or_default();
        Self { packs: CDict::create(dictionary, LEVEL), unpacks: DDict::create(dictionary) }
    }

    fn pack(&self, value: &[u8]) -> Option<Packed> {
        CONTEXTS.with_borrow_mut(|Contexts { packs, room, .. }| {
            room.resize(compress_bound(value.len()), 0);
            let length = packs.compress_using_cdict(room.as_mut_slice(), value, &self.packs).ok()?;
            room.get(..length).map(|packed| Packed(packed.into()))
        })
    }

    fn unpack(&self, Packed(packed): &Packed) -> Option<Arc<[u8]>> {
        let length = usize::try_from(get_frame_content_size(packed).ok()??).ok()?;
        let mut value: Arc<[u8]> = repeat_n(0, length).collect();
        let room = Arc::get_mut(&mut value)?;
        let unpacked =
            CONTEXTS.with_borrow_mut(|contexts| contexts.unpacks.decompress_using_ddict(room, packed, &self.unpacks));
        unpacked.is_ok_and(|unpacked| unpacked == length).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    /// A packer for a cache of 2 MiB that has learnt from values that `make` makes.
    fn learnt(make: impl Fn(usize) -> Vec<u8>) -> Arc<Packer> {
        let packer = Packer::new(2 << 20);
        let begun = Instant::now();
        for number in 0.. {
            if packer.pack(&make(number)).is_some() {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "no dictionary was made");
        }
        packer
    }

    fn has_dictionary(packer: &Packer) -> bool {
        packer.dictionary.get().is_some_and(|dictionary| dictionary.unpacks.get_dict_id().is_some())
    }

    fn customer(number: usize) -> Vec<u8> {
        let mixed = number.wrapping_mul(0x9E37_79B9);
        format!("first_name=Ada {mixed};loyalty_tier=gold;city=Rotterdam {number};orders.count={}", mixed % 97)
            .into_bytes()
    }

    #[test]
    fn what_is_alike_takes_less_than_half() {
        let packer = learnt(customer);
        assert!(has_dictionary(&packer));
        let value = customer(1_000_000);
        let packed = packer.pack(&value).unwrap();
        assert!(packed.len() * 2 < value.len(), "{} of {}", packed.len(), value.len());
        assert_eq!(packer.unpack(&packed).unwrap().as_ref(), value);
    }

    #[test]
    fn long_values_are_packed_with_nothing_in_common_and_longer_ones_are_not() {
        let long = |number| customer(number).repeat(MAX_VALUE_BYTES / 100);
        let packer = learnt(long);
        assert!(!has_dictionary(&packer));
        let packed = packer.pack(&long(7)).unwrap();
        assert!(packed.len() < 2_000);
        assert_eq!(packer.unpack(&packed).unwrap().as_ref(), long(7));
        assert!(packer.pack(&[0; MAX_VALUE_BYTES]).is_some() && packer.pack(&[0; MAX_VALUE_BYTES + 1]).is_none());
    }

    proptest! {
        /// Values of what the dictionary knows and what it does not, from none to as long as may be.
        #[test]
        fn whatever_is_packed_is_unpacked(
            parts in prop::collection::vec((0..200_usize, 0..60_usize, prop::collection::vec(any::<u8>(), 0..40)), 0..800)
        ) {
            static PACKER: LazyLock<Arc<Packer>> = LazyLock::new(|| learnt(customer));
            let part = |(number, cut, other): &(usize, usize, Vec<u8>)| [&customer(*number)[*cut..], other].concat();
            let mut value: Vec<u8> = parts.iter().flat_map(part).collect();
            value.truncate(MAX_VALUE_BYTES);
            let unpacked = PACKER.unpack(&PACKER.pack(&value).unwrap()).unwrap();
            prop_assert_eq!(unpacked.as_ref(), value.as_slice());
        }
    }
}
