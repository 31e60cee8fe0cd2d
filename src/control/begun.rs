//! What is given in parts, a path or a stream: by which request it was begun, and what that was answered.

use serde_json::json;

use super::call::Parameters;
use super::dispatch::Reply;
use super::failure::{Failure, fields};

/// Of one that is open.
pub struct Begun {
    lease: Option<String>,
    /// The number of the request.
    request: Option<u64>,
    answer: Reply,
}

impl Begun {
    /// By a request with these parameters, with this answer.
    ///
    /// # Errors
    /// Where the number of the request is none.
    pub fn by(parameters: &Parameters, answer: &Reply) -> Result<Begun, Failure> {
        let lease = parameters.optional_text("lease").map(str::to_string);
        Ok(Begun { lease, request: parameters.optional_whole("request_id")?, answer: answer.clone() })
    }

    /// The same request again gets the same answer: it begins no second one, and halts nothing for it.
    ///
    /// # Errors
    /// Where the number of the request is none.
    pub fn answer(&self, parameters: &Parameters) -> Result<Option<Reply>, Failure> {
        let request = parameters.optional_whole("request_id")?;
        let same = request.is_some() && request == self.request && self.has_lease(parameters);
        Ok(same.then(|| self.answer.clone()))
    }

    /// Parts come with the lease that it was begun with.
    ///
    /// # Errors
    /// Where they do not.
    pub fn check_lease(&self, parameters: &Parameters) -> Result<(), Failure> {
        if self.has_lease(parameters) {
            return Ok(());
        }
        let hint = "give its parts with the lease that it was begun with";
        Err(Failure::Lease("NoSuchLease", fields(json!({ "hint": hint, "retryable": false }))))
    }

    fn has_lease(&self, parameters: &Parameters) -> bool {
        self.lease.as_deref() == parameters.optional_text("lease")
    }
}
