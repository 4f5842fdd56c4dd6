//! How a method reads the parameters of a call.

use super::method::Call;
use super::parameter::{Need, Parameter};
use super::parameters::parse_id;
use crate::service::Error;
use crate::store::row::Id;

impl Call {
    /// The value of a parameter that a call may leave out.
    pub fn get(&self, parameter: Parameter) -> Option<&str> {
        debug_assert!(
            !matches!(parameter.need, Need::Required(_)),
            "{} is required: ask with need",
            parameter.name
        );
        self.value(&parameter)
    }

    /// The value of an optional parameter, as an owned text.
    pub fn text(&self, parameter: Parameter) -> Option<String> {
        self.get(parameter).map(Into::into)
    }

    /// The value of an optional parameter as an id: not sent, an id, or a text that cannot be an id.
    pub fn id(&self, parameter: Parameter) -> Option<Option<Id>> {
        self.get(parameter).map(parse_id)
    }

    /// The value of a required parameter. If its absence has no rule of its own, it is blank, which names nothing: the
    /// method's own rules then refuse it in their order.
    pub fn need(&self, parameter: Parameter) -> Result<&str, Error> {
        let Need::Required(rule) = parameter.need else {
            debug_assert!(false, "{} is not required: ask with get", parameter.name);
            return Ok(self.value(&parameter).unwrap_or_default());
        };
        match (self.value(&parameter), rule) {
            (Some(value), _) => Ok(value),
            (None, Some(rule)) => Err(rule.into()),
            (None, None) => Ok(""),
        }
    }

    /// The value of a required parameter as an id; none: the text cannot be an id.
    pub fn need_id(&self, parameter: Parameter) -> Result<Option<Id>, Error> {
        self.need(parameter).map(parse_id)
    }

    fn value(&self, parameter: &Parameter) -> Option<&str> {
        debug_assert!(
            self.method.parameter(parameter.name).is_some(),
            "{} takes no {}",
            self.method.name,
            parameter.name
        );
        parameter.value(&self.parameters)
    }
}
