//! The catalogue: every column family, what it holds, and how it is read.
//!
//! Keys are drawn at their types in [`codec::key`](crate::codec::key), values in [`codec::record`](crate::codec::record).

use super::options::Preset;
use super::table::Table;
use crate::codec::key::{
    EventKey, IdentifierKey, LinkIndexKey, LinkKey, MemberKey, MentionKey, MessageKey, ModelKey, ProfileKey, ServedKey,
    SizeKey, TallyKey, TombstoneKey, TrailKey, WallKey,
};
use crate::codec::record::ModelVersion;
use crate::domain::access::{ApiKey, SecretHash};
use crate::domain::backfill::Backfill;
use crate::domain::belonging::{GroupMember, Tally};
use crate::domain::erasure::Scrub;
use crate::domain::event::StoredEvent;
use crate::domain::holdings::Holdings;
use crate::domain::ids::{ProfileId, WorkspaceId};
use crate::domain::link::Link;
use crate::domain::owner::Owner;
use crate::domain::profile::{Merge, Profile};
use crate::domain::receipt::{LoggedReceipt, Mention};
use crate::domain::refold::Refold;
use crate::domain::served::{Served, Trail};
use crate::domain::size::Size;
use crate::domain::tombstone::Tombstone;
use crate::domain::wall::Wall;

/// A column family. The order is that of the file format and of `kith stats`; new ones go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// The evidence: which identifiers were seen together, by the hash of their set.
    LinkById,
    /// Which links an identifier is part of. The key says it all.
    LinkByIdentifier,
    /// Who owns an identifier, per kind: the first of the two point reads of a lookup.
    ProfileIdByIdentifier,
    /// What came under one origin identifier, per kind, or of the address itself.
    FragmentByIdentifier,
    /// The history of an origin identifier, newest first.
    EventByIdentifierTime,
    /// The materialised profile: the second of the two point reads of a lookup.
    ProfileById,
    /// The survivor that a retired profile id resolves to; always one hop.
    AliasByProfileId,
    /// How a profile became part of another, by the id of the one that was merged away.
    MergeByProfileId,
    /// Receipts, for idempotency; they expire in log time.
    ReceiptByMessageId,
    /// The models of a workspace, newest first.
    ModelByVersion,
    /// API keys by the hash of their secret.
    KeyByHash,
    /// Format version, applied place, workspace names.
    Meta,
    /// The walls at an identifier.
    WallByIdentifier,
    /// How large the profiles are that have many identifiers, per kind; small ones have no row.
    SizeByProfile,
    /// Who is or was a member of a group, by the identifier of the group.
    MemberByAccount,
    /// How many members a group has now, by the identifier of the group.
    TallyByAccount,
    /// How far the identities of a workspace are folded again, where the rules have changed.
    RefoldByWorkspace,
    /// What was erased and when, by the keyed hash of the identifier or of the profile id.
    TombstoneByHash,
    /// Histories that are still to be gone through for what they say of erased identifiers.
    ScrubByOrigin,
    /// Receipts that name an identifier which does not lead to them otherwise; they expire with those.
    ReceiptByIdentifier,
    /// Links that named an identifier when it was in quarantine. They are not followed; an erasure finds them here.
    HeldLinkByIdentifier,
    /// What views answered for sends, by the key asked by and the send; they expire in log time.
    ServedByKeyAndSend,
    /// Which of these were about an identifier that is not their key, for erasures; they expire with them.
    ServedByIdentifier,
    /// How far stored events are counted for the computed attributes that a version of a model added, newest version
    /// first.
    BackfillByVersion,
}

/// [`Family::LinkById`].
pub const LINKS: Table<LinkKey, Link> = Table::new(Family::LinkById);
/// [`Family::LinkByIdentifier`].
pub const LINK_INDEX: Table<LinkIndexKey, ()> = Table::new(Family::LinkByIdentifier);
/// [`Family::ProfileIdByIdentifier`].
pub const OWNERS: Table<IdentifierKey, Owner> = Table::new(Family::ProfileIdByIdentifier);
/// [`Family::FragmentByIdentifier`].
pub const FRAGMENTS: Table<IdentifierKey, Holdings> = Table::new(Family::FragmentByIdentifier);
/// [`Family::EventByIdentifierTime`].
pub const EVENTS: Table<EventKey, StoredEvent> = Table::new(Family::EventByIdentifierTime);
/// [`Family::ProfileById`].
pub const PROFILES: Table<ProfileKey, Profile> = Table::new(Family::ProfileById);
/// [`Family::AliasByProfileId`].
pub const SURVIVORS: Table<ProfileKey, ProfileId> = Table::new(Family::AliasByProfileId);
/// [`Family::MergeByProfileId`].
pub const MERGES: Table<ProfileKey, Merge> = Table::new(Family::MergeByProfileId);
/// [`Family::ReceiptByMessageId`].
pub const RECEIPTS: Table<MessageKey, LoggedReceipt> = Table::new(Family::ReceiptByMessageId);
/// [`Family::ModelByVersion`].
pub const MODELS: Table<ModelKey, ModelVersion> = Table::new(Family::ModelByVersion);
/// [`Family::KeyByHash`].
pub const KEYS: Table<SecretHash, ApiKey> = Table::new(Family::KeyByHash);

/// [`Family::WallByIdentifier`].
pub const WALLS: Table<WallKey, Wall> = Table::new(Family::WallByIdentifier);
/// [`Family::SizeByProfile`].
pub const SIZES: Table<SizeKey, Size> = Table::new(Family::SizeByProfile);
/// [`Family::MemberByAccount`].
pub const MEMBERS: Table<MemberKey, GroupMember> = Table::new(Family::MemberByAccount);
/// [`Family::TallyByAccount`].
pub const TALLIES: Table<TallyKey, Tally> = Table::new(Family::TallyByAccount);
/// [`Family::RefoldByWorkspace`].
pub const REFOLDS: Table<WorkspaceId, Refold> = Table::new(Family::RefoldByWorkspace);
/// [`Family::TombstoneByHash`].
pub const TOMBSTONES: Table<TombstoneKey, Tombstone> = Table::new(Family::TombstoneByHash);
/// [`Family::ScrubByOrigin`].
pub const SCRUBS: Table<IdentifierKey, Scrub> = Table::new(Family::ScrubByOrigin);
/// [`Family::ReceiptByIdentifier`].
pub const MENTIONS: Table<MentionKey, Mention> = Table::new(Family::ReceiptByIdentifier);
/// [`Family::HeldLinkByIdentifier`].
pub const HELD_LINKS: Table<LinkIndexKey, ()> = Table::new(Family::HeldLinkByIdentifier);
/// [`Family::ServedByKeyAndSend`].
pub const SERVED: Table<ServedKey, Served> = Table::new(Family::ServedByKeyAndSend);
/// [`Family::ServedByIdentifier`].
pub const TRAILS: Table<TrailKey, Trail> = Table::new(Family::ServedByIdentifier);
/// [`Family::BackfillByVersion`].
pub const BACKFILLS: Table<ModelKey, Backfill> = Table::new(Family::BackfillByVersion);

impl Family {
    /// All of them, in order.
    pub const ALL: [Self; 24] = [
        Self::LinkById,
        Self::LinkByIdentifier,
        Self::ProfileIdByIdentifier,
        Self::FragmentByIdentifier,
        Self::EventByIdentifierTime,
        Self::ProfileById,
        Self::AliasByProfileId,
        Self::MergeByProfileId,
        Self::ReceiptByMessageId,
        Self::ModelByVersion,
        Self::KeyByHash,
        Self::Meta,
        Self::WallByIdentifier,
        Self::SizeByProfile,
        Self::MemberByAccount,
        Self::TallyByAccount,
        Self::RefoldByWorkspace,
        Self::TombstoneByHash,
        Self::ScrubByOrigin,
        Self::ReceiptByIdentifier,
        Self::HeldLinkByIdentifier,
        Self::ServedByKeyAndSend,
        Self::ServedByIdentifier,
        Self::BackfillByVersion,
    ];

    /// Its name in the database: what it holds, then what it is found by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LinkById => "link_by_id",
            Self::LinkByIdentifier => "link_by_identifier",
            Self::ProfileIdByIdentifier => "profile_id_by_identifier",
            Self::FragmentByIdentifier => "fragment_by_identifier",
            Self::EventByIdentifierTime => "event_by_identifier_time",
            Self::ProfileById => "profile_by_id",
            Self::AliasByProfileId => "alias_by_profile_id",
            Self::MergeByProfileId => "merge_by_profile_id",
            Self::ReceiptByMessageId => "receipt_by_message_id",
            Self::ModelByVersion => "model_by_version",
            Self::KeyByHash => "key_by_hash",
            Self::Meta => "meta",
            Self::WallByIdentifier => "wall_by_identifier",
            Self::SizeByProfile => "size_by_profile",
            Self::MemberByAccount => "member_by_account",
            Self::TallyByAccount => "tally_by_account",
            Self::RefoldByWorkspace => "refold_by_workspace",
            Self::TombstoneByHash => "tombstone_by_hash",
            Self::ScrubByOrigin => "scrub_by_origin",
            Self::ReceiptByIdentifier => "receipt_by_identifier",
            Self::HeldLinkByIdentifier => "held_link_by_identifier",
            Self::ServedByKeyAndSend => "served_by_key_and_send",
            Self::ServedByIdentifier => "served_by_identifier",
            Self::BackfillByVersion => "backfill_by_version",
        }
    }

    /// True for those whose single keys a lookup notes: see [`super::stamps`]. `TallyByAccount` is read so too and not
    /// among them: what counts members is not kept.
    pub(super) const fn is_watched(self) -> bool {
        matches!(
            self,
            Self::ProfileIdByIdentifier
                | Self::ProfileById
                | Self::FragmentByIdentifier
                | Self::AliasByProfileId
                | Self::TombstoneByHash
        )
    }

    /// How it is tuned: by the way it is read.
    pub(super) const fn preset(self) -> Preset {
        match self {
            Self::ProfileIdByIdentifier
            | Self::ProfileById
            | Self::FragmentByIdentifier
            | Self::LinkById
            | Self::AliasByProfileId
            | Self::MergeByProfileId
            | Self::TallyByAccount
            | Self::TombstoneByHash => Preset::PointReads,
            Self::ReceiptByMessageId => Preset::Expiring,
            Self::ServedByKeyAndSend => Preset::ExpiringAnswers,
            Self::ServedByIdentifier => Preset::ExpiringTrails,
            Self::ReceiptByIdentifier => Preset::ExpiringScans,
            Self::LinkByIdentifier
            | Self::EventByIdentifierTime
            | Self::SizeByProfile
            | Self::MemberByAccount
            | Self::HeldLinkByIdentifier => Preset::Scans,
            Self::ModelByVersion
            | Self::KeyByHash
            | Self::Meta
            | Self::WallByIdentifier
            | Self::RefoldByWorkspace
            | Self::ScrubByOrigin
            | Self::BackfillByVersion => Preset::Small,
        }
    }
}
