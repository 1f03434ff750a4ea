//! What operators make of what.

use cel::common::ast::operators;

use super::check::Shape;

/// True for the operators between two things, and the choice between three.
pub(super) fn is_operator(name: &str) -> bool {
    use operators::{
        ADD, CONDITIONAL, DIVIDE, EQUALS, GREATER, GREATER_EQUALS, IN, LESS, LESS_EQUALS, LOGICAL_AND, LOGICAL_OR,
        MULTIPLY, NOT_EQUALS, SUBSTRACT,
    };
    let logic = [LOGICAL_AND, LOGICAL_OR, CONDITIONAL, IN];
    let order = [EQUALS, NOT_EQUALS, LESS, LESS_EQUALS, GREATER, GREATER_EQUALS];
    logic.contains(&name) || order.contains(&name) || [ADD, SUBSTRACT, MULTIPLY, DIVIDE].contains(&name)
}

/// What an operator makes of two things; `None` if it makes nothing of them.
pub(super) fn between(name: &str, left: Shape, right: Shape) -> Option<Shape> {
    use Shape::{Any, Bool, Duration, List, Number, Text, Time};
    let is_ordered = |shape: Shape| matches!(shape, Number | Text | Time | Duration | Bool | Any);
    let is_truth = |shape: Shape| matches!(shape, Bool | Any);
    match name {
        operators::LOGICAL_AND | operators::LOGICAL_OR => (is_truth(left) && is_truth(right)).then_some(Bool),
        operators::EQUALS | operators::NOT_EQUALS => same(left, right).map(|_| Bool),
        operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS => {
            same(left, right).filter(|_| is_ordered(left) && is_ordered(right)).map(|_| Bool)
        }
        operators::IN => matches!(right, List | Any).then_some(Bool),
        operators::ADD => match (left, right) {
            // Of two things of any type nobody knows that they are no texts, and texts would grow.
            (Number, Number | Any) | (Any, Number) => Some(Number),
            (Time, Duration | Any) | (Duration | Any, Time) => Some(Time),
            (Duration, Duration) => Some(Duration),
            (Duration, Any) | (Any, Duration) => Some(Any),
            _ => None,
        },
        operators::SUBSTRACT => match (left, right) {
            (Number, Number | Any) | (Any, Number) => Some(Number),
            (Time, Time) | (Duration, Duration | Any) | (Any, Time) => Some(Duration),
            (Time, Duration) => Some(Time),
            (Time | Any, Any) | (Any, Duration) => Some(Any),
            _ => None,
        },
        operators::MULTIPLY | operators::DIVIDE => {
            (matches!(left, Number | Any) && matches!(right, Number | Any)).then_some(Number)
        }
        _ => None,
    }
}

/// What two things both are.
pub(super) fn same(one: Shape, other: Shape) -> Option<Shape> {
    match (one, other) {
        (Shape::Any, _) | (_, Shape::Any) => Some(Shape::Any),
        _ => (one == other).then_some(one),
    }
}
