//! Macros over the items of lists.

use cel::common::ast::{ComprehensionExpr, Expr, IdedExpr, ListExpr, LiteralValue, operators};

use super::Mistake;
use super::calls::{call, no_use, unknown};
use super::check::{Checker, Part, Result, Shape};

/// The name of what a macro has so far. No identifier of CEL looks like it.
const SO_FAR: &str = "@result";

impl Checker<'_> {
    /// `list.exists(item, …)` and its like.
    pub(super) fn over_items(
        &mut self,
        id: u64,
        name: &str,
        list: IdedExpr,
        item: IdedExpr,
        body: IdedExpr,
    ) -> Result<Part> {
        if !["exists", "exists_one", "all", "filter"].contains(&name) {
            let instead = "; ask `exists`, or the `size` of a `filter`";
            return Err(if name == "map" { Mistake::new(format!("uses `map`{instead}")) } else { unknown(name) });
        }
        let Expr::Ident(item) = item.expr else {
            return Err(Mistake::new(format!("uses `{name}` without a name for an item; write list.{name}(item, …)")));
        };
        let list = self.part(list)?;
        if !matches!(list.shape, Shape::List | Shape::Any) {
            return Err(no_use(name, &[list.shape]));
        }
        let body = self.body(item.clone(), body)?;
        if !matches!(body.shape, Shape::Bool | Shape::Any) {
            return Err(Mistake::new(format!("asks of an item what is {}, and has to be true or false", body.shape)));
        }
        let shape = if name == "filter" { Shape::List } else { Shape::Bool };
        Ok(Part::new(id, Expr::Comprehension(Box::new(comprehension(id, name, list, item, body))), shape))
    }
}

/// What the macro `name` stands for, as CEL defines it.
fn comprehension(id: u64, name: &str, list: Part, item: String, body: Part) -> ComprehensionExpr {
    let part = |expr| Part::new(id, expr, Shape::Any);
    let so_far = || part(Expr::Ident(SO_FAR.to_owned()));
    let int = |number: i64| part(Expr::Literal(LiteralValue::Int(number.into())));
    let bool = |value: bool| part(Expr::Literal(LiteralValue::Boolean(value.into())));
    let of = |name: &str, parts: Vec<Part>| part(call(id, name, None, parts).expr);
    let list_of = |items: Vec<IdedExpr>| part(Expr::List(ListExpr::new(items)));
    let choice = |then: Part| of(operators::CONDITIONAL, vec![body_of(&body), then, so_far()]);
    let (from, goes_on, step, result) = match name {
        "exists" => {
            let goes_on = of(operators::NOT_STRICTLY_FALSE, vec![of(operators::LOGICAL_NOT, vec![so_far()])]);
            (bool(false), goes_on, of(operators::LOGICAL_OR, vec![so_far(), body_of(&body)]), so_far())
        }
        "all" => {
            let goes_on = of(operators::NOT_STRICTLY_FALSE, vec![so_far()]);
            (bool(true), goes_on, of(operators::LOGICAL_AND, vec![so_far(), body_of(&body)]), so_far())
        }
        "exists_one" => {
            let one_more = of(operators::ADD, vec![so_far(), int(1)]);
            (int(0), bool(true), choice(one_more), of(operators::EQUALS, vec![so_far(), int(1)]))
        }
        _ => {
            let kept = list_of(vec![IdedExpr { id, expr: Expr::Ident(item.clone()) }]);
            (list_of(Vec::new()), bool(true), choice(of(operators::ADD, vec![so_far(), kept])), so_far())
        }
    };
    ComprehensionExpr {
        iter_range: list.expression,
        iter_var: item,
        iter_var2: None,
        accu_var: SO_FAR.to_owned(),
        accu_init: from.expression,
        loop_cond: goes_on.expression,
        loop_step: step.expression,
        result: result.expression,
    }
}

fn body_of(body: &Part) -> Part {
    Part { expression: body.expression.clone(), shape: body.shape }
}
