//! The catalogue of what can be called: path, whether it streams, and the access it needs.
//!
//! Also the labels of the metrics, so that no label is ever made from what a caller sent.

use crate::domain::access::Scope;

/// What a caller needs for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing; not counted against the calls in flight either, so that a full server still tells how it is.
    Open,
    /// Any valid key, where keys are in use.
    AnyKey,
    /// A key with all of these scopes, where keys are in use.
    Scoped(&'static [Scope]),
}

/// How long a call lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One question, one answer: within the default deadline.
    Unary,
    /// A stream that watches the drain itself and ends in good order.
    Stream,
    /// A stream of a service that is not kith's: the drain cuts it.
    ForeignStream,
}

/// Who answers a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// `LookupService`.
    Lookup,
    /// `WriteService`.
    Write,
    /// What the router finds.
    Other,
}

/// A row of the catalogue.
#[derive(Debug)]
pub struct Entry {
    /// The path of its requests.
    pub path: &'static str,
    /// What a caller needs.
    pub access: Access,
    /// How long a call lives.
    pub shape: Shape,
    /// Who answers it.
    pub face: Face,
}

/// How many rows the catalogue has.
pub const METHODS: usize = ENTRIES.len();

/// A place in the catalogue; the last one stands for every path that is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method(usize);

const READ: Access = Access::Scoped(&[Scope::Read]);
const WRITE: Access = Access::Scoped(&[Scope::Write]);
const READ_AND_WRITE: Access = Access::Scoped(&[Scope::Read, Scope::Write]);
const ADMIN: Access = Access::Scoped(&[Scope::Admin]);

/// The catalogue, what is called most first.
pub static ENTRIES: [Entry; 38] = [
    entry("/kith.v1.LookupService/Lookup", READ, Shape::Unary, Face::Lookup),
    entry("/kith.v1.LookupService/BatchLookup", READ, Shape::Unary, Face::Lookup),
    entry("/kith.v1.LookupService/StreamLookup", READ, Shape::Stream, Face::Lookup),
    entry("/kith.v1.LookupService/WriteAndLookup", READ_AND_WRITE, Shape::Unary, Face::Lookup),
    entry("/kith.v1.LookupService/GetServed", READ, Shape::Unary, Face::Lookup),
    entry("/kith.v1.WriteService/Write", WRITE, Shape::Unary, Face::Write),
    entry("/kith.v1.WriteService/BatchWrite", WRITE, Shape::Unary, Face::Write),
    entry("/kith.v1.WriteService/StreamWrite", WRITE, Shape::Stream, Face::Write),
    entry("/kith.v1.ProfileService/GetProfile", READ, Shape::Unary, Face::Other),
    entry("/kith.v1.ProfileService/ListMembers", READ, Shape::Unary, Face::Other),
    entry("/kith.v1.ProfileService/ListConsents", READ, Shape::Unary, Face::Other),
    entry("/kith.v1.ProfileService/ListEvents", READ, Shape::Unary, Face::Other),
    entry("/kith.v1.IdentityService/Explain", READ, Shape::Unary, Face::Other),
    entry("/kith.v1.IdentityService/ExplainApart", READ, Shape::Unary, Face::Other),
    entry("/kith.v1.IdentityService/Simulate", READ, Shape::Unary, Face::Other),
    entry("/kith.v1.IdentityService/KeepApart", WRITE, Shape::Unary, Face::Other),
    entry("/kith.v1.IdentityService/Unlink", WRITE, Shape::Unary, Face::Other),
    entry("/kith.v1.IdentityService/UndoMerge", WRITE, Shape::Unary, Face::Other),
    entry("/kith.v1.IdentityService/ReleaseQuarantine", WRITE, Shape::Unary, Face::Other),
    entry("/kith.v1.IdentityService/ListLargest", READ, Shape::Unary, Face::Other),
    entry("/kith.v1.IdentityService/ListMerges", READ, Shape::Unary, Face::Other),
    entry("/kith.v1.SegmentService/ListSegmentMembers", READ, Shape::Stream, Face::Other),
    entry("/kith.v1.ModelService/GetModel", READ, Shape::Unary, Face::Other),
    entry("/kith.v1.ModelService/DiffModel", READ, Shape::Stream, Face::Other),
    entry("/kith.v1.ModelService/ApplyModel", ADMIN, Shape::Unary, Face::Other),
    entry("/kith.v1.PrivacyService/Erase", WRITE, Shape::Unary, Face::Other),
    entry("/kith.v1.AdminService/GetStats", ADMIN, Shape::Unary, Face::Other),
    entry("/kith.v1.AdminService/CreateKey", ADMIN, Shape::Unary, Face::Other),
    entry("/kith.v1.AdminService/ListKeys", ADMIN, Shape::Unary, Face::Other),
    entry("/kith.v1.AdminService/RevokeKey", ADMIN, Shape::Unary, Face::Other),
    entry("/grpc.health.v1.Health/Check", Access::Open, Shape::Unary, Face::Other),
    entry("/grpc.health.v1.Health/Watch", Access::Open, Shape::ForeignStream, Face::Other),
    entry(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        Access::AnyKey,
        Shape::ForeignStream,
        Face::Other,
    ),
    entry(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        Access::AnyKey,
        Shape::ForeignStream,
        Face::Other,
    ),
    entry("/livez", Access::Open, Shape::Unary, Face::Other),
    entry("/readyz", Access::Open, Shape::Unary, Face::Other),
    entry("/metrics", Access::AnyKey, Shape::Unary, Face::Other),
    entry("other", Access::AnyKey, Shape::Unary, Face::Other),
];

const fn entry(path: &'static str, access: Access, shape: Shape, face: Face) -> Entry {
    Entry { path, access, shape, face }
}

impl Method {
    /// What `path` calls.
    pub fn of(path: &str) -> Self {
        Self(ENTRIES.iter().position(|entry| entry.path == path).unwrap_or(METHODS - 1))
    }

    /// Its place in the catalogue, below [`METHODS`].
    pub fn index(self) -> usize {
        self.0
    }

    /// What a caller needs.
    pub fn access(self) -> Access {
        ENTRIES.get(self.0).map_or(Access::AnyKey, |entry| entry.access)
    }

    /// Who answers it.
    pub fn face(self) -> Face {
        ENTRIES.get(self.0).map_or(Face::Other, |entry| entry.face)
    }

    /// How long a call lives.
    pub fn shape(self) -> Shape {
        ENTRIES.get(self.0).map_or(Shape::Unary, |entry| entry.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rpc_of_the_protos_is_in_the_catalogue() {
        let pool = prost_reflect::DescriptorPool::decode(crate::proto::DESCRIPTORS).unwrap();
        for service in pool.services() {
            for rpc in service.methods() {
                let method = Method::of(&format!("/{}/{}", service.full_name(), rpc.name()));
                assert_ne!(method.index(), METHODS - 1, "{} is missing", rpc.full_name());
                assert!(matches!(method.access(), Access::Scoped(_)));
                assert_eq!(method.shape() == Shape::Stream, rpc.is_server_streaming());
                let face = match service.name() {
                    "LookupService" => Face::Lookup,
                    "WriteService" => Face::Write,
                    _ => Face::Other,
                };
                assert_eq!(method.face(), face, "{}", rpc.full_name());
            }
        }
    }

    #[test]
    fn an_unknown_path_needs_a_key() {
        assert_eq!(Method::of("/kith.v1.LookupService/Nothing").access(), Access::AnyKey);
    }
}
