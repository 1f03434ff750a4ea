//! Send decisions on their way out.

use crate::domain::view::{Code, Decision};
use crate::proto::v1;

/// Writes a decision.
pub fn write(decision: Decision) -> v1::SendDecision {
    match decision {
        Decision::Send => v1::SendDecision::Send,
        Decision::Hold => v1::SendDecision::Hold,
        Decision::Skip => v1::SendDecision::Skip,
    }
}

/// Writes the code of a reason.
pub fn write_code(code: Code) -> v1::SendReasonCode {
    match code {
        Code::Erased => v1::SendReasonCode::Erased,
        Code::NoConsent => v1::SendReasonCode::NoConsent,
        Code::UnsubscribedAddress => v1::SendReasonCode::UnsubscribedAddress,
        Code::HushedTopic => v1::SendReasonCode::HushedTopic,
        Code::SharedKey => v1::SendReasonCode::SharedKey,
        Code::Bought => v1::SendReasonCode::Bought,
        Code::FrequencyCap => v1::SendReasonCode::FrequencyCap,
        Code::Held => v1::SendReasonCode::Held,
        Code::NotRenderable => v1::SendReasonCode::NotRenderable,
    }
}
