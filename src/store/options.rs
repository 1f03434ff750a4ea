//! How RocksDB is tuned: one preset for each way in which families are read, with the reason.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rocksdb::{
    BlockBasedOptions, Cache, CompactionDecision, DBCompressionType, DBRecoveryMode, DataBlockIndexType, Options,
};

use crate::codec::record::Record;
use crate::domain::receipt::{LoggedReceipt, Mention};
use crate::domain::served::{Served, Trail};
use crate::domain::time::Time;

/// Bytes of writes kept in memory before they are flushed, all families together.
const WRITE_BUFFER_BYTES: usize = 256 * 1024 * 1024;
/// Bytes of write-ahead log after which the oldest unflushed family is flushed: bounds the time to open.
const MAX_LOG_BYTES: u64 = 512 * 1024 * 1024;
/// Bits a key in bloom filters: about one false positive in a hundred.
const BLOOM_BITS: f64 = 10.0;
/// Bytes of the dictionary that the blocks of one table share where zstd compresses them. Records of a family are much alike,
/// and a block is too short to learn that from.
const DICTIONARY_BYTES: i32 = 16 * 1024;
/// Bytes of samples that the dictionary is made from: a hundred times its size, as zstd's manual says.
const SAMPLE_BYTES: i32 = 100 * DICTIONARY_BYTES;
/// How hard zstd tries; its own default.
const ZSTD_LEVEL: i32 = 3;
/// Files of RocksDB's own information log that are kept.
const KEPT_INFO_LOGS: usize = 5;
/// Bytes of one such file.
const INFO_LOG_BYTES: usize = 4 * 1024 * 1024;

/// Files of tables that RocksDB keeps open. Unbounded, as it would be, a large database takes the files of the server's
/// connections, or they those of a compaction. A table is some 64 MiB, so this is some 64 GiB of data; past them a
/// read that finds its table closed opens it again, from the page cache as a rule.
pub const MAX_OPEN_FILES: usize = 1_024;

/// How a family is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preset {
    /// Single keys, hot: bloom filters and a hash index inside small blocks.
    PointReads,
    /// As point reads, mostly of keys that are not there, and forgotten in log time by compaction.
    Expiring,
    /// The same of answers that were served.
    ExpiringAnswers,
    /// Ranges: larger blocks.
    Scans,
    /// As scans, and forgotten in log time by compaction.
    ExpiringScans,
    /// The same of trails that lead to answers.
    ExpiringTrails,
    /// A few records.
    Small,
}

/// What all families share.
pub(super) struct Tuning {
    cache: Cache,
    log_time: Arc<AtomicU64>,
}

impl Tuning {
    pub(super) fn new(cache_bytes: usize, log_time: Arc<AtomicU64>) -> Self {
        Self { cache: Cache::new_hyper_clock_cache(cache_bytes, 0), log_time }
    }

    pub(super) fn database(&self) -> Options {
        let mut options = Options::default();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_db_write_buffer_size(WRITE_BUFFER_BYTES);
        options.set_max_total_wal_size(MAX_LOG_BYTES);
        options.set_max_background_jobs(2);
        options.set_max_open_files(i32::try_from(MAX_OPEN_FILES).unwrap_or(i32::MAX));
        options.set_bytes_per_sync(1024 * 1024);
        options.set_keep_log_file_num(KEPT_INFO_LOGS);
        options.set_max_log_file_size(INFO_LOG_BYTES);
        // A record torn by a power cut ends the log; what was acknowledged is checked by the mark beside the database.
        options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
        options
    }

    pub(super) fn family(&self, preset: Preset) -> Options {
        let mut options = Options::default();
        options.set_level_compaction_dynamic_level_bytes(true);
        options.set_compression_type(DBCompressionType::Lz4);
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&self.cache);
        blocks.set_format_version(6);
        match preset {
            Preset::PointReads => point_reads(&mut options, &mut blocks),
            Preset::Expiring => {
                point_reads(&mut options, &mut blocks);
                let expired = |value: &[u8], now| LoggedReceipt::decode(value).is_ok_and(|known| known.expired(now));
                self.forget(&mut options, "receipts expire", expired);
            }
            Preset::ExpiringAnswers => {
                point_reads(&mut options, &mut blocks);
                let expired = |value: &[u8], now| Served::decode(value).is_ok_and(|known| known.expired(now));
                self.forget(&mut options, "served answers expire", expired);
            }
            Preset::Scans => scans(&mut options, &mut blocks),
            Preset::ExpiringScans => {
                scans(&mut options, &mut blocks);
                let expired = |value: &[u8], now| Mention::decode(value).is_ok_and(|known| known.expired(now));
                self.forget(&mut options, "mentions expire", expired);
            }
            Preset::ExpiringTrails => {
                scans(&mut options, &mut blocks);
                let expired = |value: &[u8], now| Trail::decode(value).is_ok_and(|known| known.expired(now));
                self.forget(&mut options, "trails expire", expired);
            }
            Preset::Small => options.set_write_buffer_size(1024 * 1024),
        }
        options.set_block_based_table_factory(&blocks);
        options
    }

    /// Lets compaction forget what has `expired` at the log time of then. A record that does not decode has not: losing it
    /// silently would be worse.
    fn forget(&self, options: &mut Options, name: &str, expired: fn(&[u8], Time) -> bool) {
        let log_time = Arc::clone(&self.log_time);
        let decide = move |_, _: &[u8], value: &[u8]| match expired(value, time(&log_time)) {
            true => CompactionDecision::Remove,
            false => CompactionDecision::Keep,
        };
        options.set_compaction_filter(name, decide);
    }
}

fn point_reads(options: &mut Options, blocks: &mut BlockBasedOptions) {
    compress_well(options);
    blocks.set_block_size(8 * 1024);
    blocks.set_bloom_filter(BLOOM_BITS, false);
    blocks.set_data_block_index_type(DataBlockIndexType::BinaryAndHash);
    blocks.set_data_block_hash_ratio(0.75);
    options.set_memtable_whole_key_filtering(true);
    options.set_memtable_prefix_bloom_ratio(0.05);
}

fn scans(options: &mut Options, blocks: &mut BlockBasedOptions) {
    compress_well(options);
    blocks.set_block_size(32 * 1024);
    blocks.set_bloom_filter(BLOOM_BITS, false);
}

/// Compresses the bottom, where nearly everything is: what is written above it will soon be written again.
fn compress_well(options: &mut Options) {
    /// RocksDB's default, which zstd ignores.
    const WINDOW_BITS: i32 = -14;
    options.set_bottommost_compression_type(DBCompressionType::Zstd);
    options.set_bottommost_compression_options(WINDOW_BITS, ZSTD_LEVEL, 0, DICTIONARY_BYTES, true);
    options.set_bottommost_zstd_max_train_bytes(SAMPLE_BYTES, true);
}

fn time(log_time: &AtomicU64) -> Time {
    Time::from_micros(log_time.load(Ordering::Relaxed))
}
