//! Lets through what is known to be harmless and to fit together, and makes of it what is evaluated: names become slots,
//! whole numbers become doubles, `has` and the macros over lists become what they stand for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cel::common::ast::{CallExpr, Expr, IdedExpr, ListExpr, LiteralValue, SelectExpr};
use regex::Regex;

use super::compile::Written;
use super::scan::span;
use super::{
    MAX_BODY, MAX_DEPTH, Mistake, NOW, NOW_VARIABLE, SEGMENT_PREFIX, constant_variable, is_set_variable, variable,
};
use crate::domain::answer::{ADDRESS, ADDRESS_PREFIX};
use crate::domain::model::Source;
use crate::domain::suggest;
use crate::domain::view::Type;

/// What an expression comes to, as far as that can be told before it is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Bool,
    Number,
    Text,
    Time,
    Duration,
    List,
    /// Only the value itself can tell.
    Any,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::Number => "number",
            Self::Text => "text",
            Self::Time => "time",
            Self::Duration => "duration",
            Self::List => "list",
            Self::Any => "of any type",
        })
    }
}

impl From<Type> for Shape {
    fn from(value_type: Type) -> Self {
        match value_type {
            Type::Text | Type::Name => Self::Text,
            Type::Number => Self::Number,
            Type::Bool => Self::Bool,
            Type::Time => Self::Time,
            Type::List => Self::List,
            Type::Any => Self::Any,
        }
    }
}

/// A part that is let through.
pub(super) struct Part {
    pub(super) expression: IdedExpr,
    pub(super) shape: Shape,
}

impl Part {
    pub(super) fn new(id: u64, expr: Expr, shape: Shape) -> Self {
        Self { expression: IdedExpr { id, expr }, shape }
    }
}

/// What an expression needs to be evaluated.
#[derive(Default)]
pub(super) struct Checked {
    pub(super) slots: Vec<String>,
    pub(super) types: Vec<Type>,
    /// The slots of which it is asked whether they are set.
    pub(super) asked_if_set: BTreeSet<usize>,
    pub(super) constants: Vec<cel::Value>,
    pub(super) patterns: Vec<Regex>,
    /// True if it needs the moment of asking.
    pub(super) now: bool,
}

/// Goes through an expression.
pub(super) struct Checker<'a> {
    readable: &'a BTreeMap<String, Source>,
    written: Written<'a>,
    pub(super) needs: Checked,
    /// The name of the item, where it is a list's items that something is asked of.
    item: Option<String>,
    depth: usize,
    body: usize,
}

pub(super) type Result<T> = std::result::Result<T, Mistake>;

impl<'a> Checker<'a> {
    pub(super) fn new(readable: &'a BTreeMap<String, Source>, written: Written<'a>) -> Self {
        Self { readable, written, needs: Checked::default(), item: None, depth: 0, body: 0 }
    }

    pub(super) fn done(self) -> Checked {
        self.needs
    }

    /// Goes through the whole.
    pub(super) fn whole(&mut self, expression: IdedExpr) -> Result<Part> {
        self.part(expression)
    }

    /// Goes through a part.
    pub(super) fn part(&mut self, IdedExpr { id, expr }: IdedExpr) -> Result<Part> {
        let at = |checker: &Self| checker.written.at(id);
        if self.depth == MAX_DEPTH {
            return Err(Mistake::new(format!("nests more than {MAX_DEPTH} times; ask for less")).at(at(self)));
        }
        self.spend(1).map_err(|mistake| mistake.at(at(self)))?;
        self.depth += 1;
        let part = self.expr(id, expr).map_err(|mistake| mistake.at(at(self)));
        self.depth -= 1;
        part
    }

    /// Counts what is done for every item of a list.
    pub(super) fn spend(&mut self, cost: usize) -> Result<()> {
        self.body += if self.item.is_some() { cost } else { 0 };
        let text = || format!("asks more of the items of lists than {MAX_BODY} names, constants and operators come to");
        if self.body > MAX_BODY { Err(Mistake::new(text())) } else { Ok(()) }
    }

    fn expr(&mut self, id: u64, expr: Expr) -> Result<Part> {
        match expr {
            Expr::Literal(literal) => literal_part(id, literal),
            Expr::Ident(name) => self.name(id, &Expr::Ident(name.clone()))?.ok_or_else(|| unheard_of(&name)),
            Expr::Select(select) => self.select(id, select),
            Expr::Call(call) => self.call(id, call),
            Expr::List(list) => self.list(id, list),
            Expr::Map(_) | Expr::Struct(_) => Err(Mistake::new("makes an object; only lists can be made")),
            Expr::Comprehension(_) | Expr::Unspecified => Err(Mistake::new("is no expression that can be read")),
        }
    }

    fn list(&mut self, id: u64, ListExpr { elements, optional_indices: _ }: ListExpr) -> Result<Part> {
        let elements = elements.into_iter().map(|element| Ok(self.part(element)?.expression));
        let elements = elements.collect::<Result<Vec<_>>>()?;
        Ok(Part::new(id, Expr::List(ListExpr::new(elements)), Shape::List))
    }

    /// `a.b.c` is an attribute of this name, or a part of the attribute with the longest name that fits.
    fn select(&mut self, id: u64, select: SelectExpr) -> Result<Part> {
        let whole = Expr::Select(select);
        if let Some(part) = self.name(id, &whole)? {
            return Ok(part);
        }
        let Expr::Select(SelectExpr { operand, field, test }) = whole else { return Err(unheard_of("")) };
        let of = self.part(*operand)?;
        if of.shape != Shape::Any {
            return Err(Mistake::new(format!("reads `{field}` of something that is {} and has no parts", of.shape)));
        }
        let select = SelectExpr { operand: Box::new(of.expression), field, test };
        Ok(Part::new(id, Expr::Select(select), Shape::Any))
    }

    /// What a name stands for; `None` if `expr` is none, or a part of something.
    fn name(&mut self, id: u64, expr: &Expr) -> Result<Option<Part>> {
        let Some(name) = dotted(expr) else { return Ok(None) };
        let root = name.split('.').next().unwrap_or_default();
        if self.item.as_deref() == Some(root) {
            let item = || Part::new(id, Expr::Ident(root.to_owned()), Shape::Any);
            return Ok((name == root).then(item));
        }
        if name == NOW {
            self.needs.now = true;
            return Ok(Some(Part::new(id, Expr::Ident(NOW_VARIABLE.to_owned()), Shape::Time)));
        }
        if self.readable.contains_key(&name) {
            return self.attribute(id, &name).map(Some);
        }
        let mut shorter = name.as_str();
        while let Some((prefix, _)) = shorter.rsplit_once('.') {
            if self.readable.contains_key(prefix) {
                return Ok(None);
            }
            shorter = prefix;
        }
        Err(self.unknown(expr, &name))
    }

    /// The attribute called so.
    pub(super) fn attribute(&mut self, id: u64, name: &str) -> Result<Part> {
        let (slot, value_type) = self.slot(name).ok_or_else(|| self.unknown(&Expr::Unspecified, name))?;
        Ok(Part::new(id, Expr::Ident(variable(slot)), value_type.into()))
    }

    fn slot(&mut self, name: &str) -> Option<(usize, Type)> {
        let Source { value_type, .. } = self.readable.get(name)?;
        let known = self.needs.slots.iter().position(|slot| slot == name);
        let slot = known.unwrap_or_else(|| {
            self.needs.slots.push(name.to_owned());
            self.needs.types.push(*value_type);
            self.needs.slots.len() - 1
        });
        Some((slot, *value_type))
    }

    /// `has(…)`: whether an attribute has a value, or whether this value has a part.
    pub(super) fn has(&mut self, id: u64, asked: IdedExpr) -> Result<Part> {
        if let Some(name) = dotted(&asked.expr).filter(|name| self.readable.contains_key(name)) {
            let (slot, _) = self.slot(&name).ok_or_else(|| unheard_of(&name))?;
            return Ok(Part::new(id, self.is_set(slot), Shape::Bool));
        }
        let at = self.written.at(asked.id);
        let Part { expression: IdedExpr { expr, .. }, .. } = self.part(asked)?;
        let Expr::Select(SelectExpr { operand, field, test: false }) = expr else {
            return Err(Mistake::new("asks `has` of something that is no attribute, and no part of one").at(at));
        };
        let slot = match &operand.expr {
            Expr::Ident(name) => (0..self.needs.slots.len()).find(|slot| variable(*slot) == *name),
            _ => None,
        };
        let test = IdedExpr { id, expr: Expr::Select(SelectExpr { operand, field, test: true }) };
        let Some(slot) = slot else { return Ok(Part { expression: test, shape: Shape::Bool }) };
        // What is not set has no parts.
        let (func_name, args) = ("_&&_".to_owned(), vec![IdedExpr { id, expr: self.is_set(slot) }, test]);
        Ok(Part::new(id, Expr::Call(CallExpr { func_name, target: None, args }), Shape::Bool))
    }

    fn is_set(&mut self, slot: usize) -> Expr {
        self.needs.asked_if_set.insert(slot);
        Expr::Ident(is_set_variable(slot))
    }

    /// A constant that CEL has no way to write.
    pub(super) fn constant(&mut self, id: u64, value: cel::Value, shape: Shape) -> Part {
        self.needs.constants.push(value);
        Part::new(id, Expr::Ident(constant_variable(self.needs.constants.len() - 1)), shape)
    }

    /// What is asked of each item of a list, which is called `item` there.
    pub(super) fn body(&mut self, item: String, body: IdedExpr) -> Result<Part> {
        if self.item.is_some() {
            return Err(Mistake::new("asks something of lists inside what is asked of a list; only one may be asked"));
        }
        if self.readable.contains_key(&item) || item == NOW {
            return Err(Mistake::new(format!(
                "calls an item `{item}`, as an attribute is called; choose another name"
            )));
        }
        self.item = Some(item);
        let part = self.part(body);
        self.item = None;
        part
    }

    fn unknown(&self, expr: &Expr, name: &str) -> Mistake {
        let text = if name.starts_with(SEGMENT_PREFIX) {
            format!("names `{name}`; a segment reads attributes and no other segments, so that none goes in circles")
        } else if name == ADDRESS || name.starts_with(ADDRESS_PREFIX) {
            format!(
                "names `{name}`; a segment is the same by whatever address it is asked: for one of addresses set \
                 `kind = \"address\"` and leave out `address.`"
            )
        } else {
            format!(
                "names `{name}`, which is neither declared in [attributes] nor computed; declare it there with its type"
            )
        };
        let at = root(expr).and_then(|id| self.written.at(id)).and_then(|at| {
            let (source, start) = (self.written.source, at.start);
            span(source, start, name).or(Some(at))
        });
        let suggestion = suggest::nearest(name, self.readable.keys().map(String::as_str)).map(str::to_owned);
        Mistake { text, suggestion, at }
    }
}

/// A name with its dots, if that is what it is.
fn dotted(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(SelectExpr { operand, field, test: false }) => Some(format!("{}.{field}", dotted(&operand.expr)?)),
        _ => None,
    }
}

/// The number of the first part of a dotted name.
fn root(expr: &Expr) -> Option<u64> {
    let Expr::Select(SelectExpr { operand, .. }) = expr else { return None };
    root(&operand.expr).or(Some(operand.id))
}

fn unheard_of(name: &str) -> Mistake {
    Mistake::new(format!("names `{name}`, which is no attribute"))
}

fn literal_part(id: u64, literal: LiteralValue) -> Result<Part> {
    #[allow(clippy::cast_precision_loss)] // Numbers are doubles, as in JSON: whole ones past 2^53 are rounded.
    let (literal, shape) = match literal {
        LiteralValue::Int(number) => (LiteralValue::Double((*number.inner() as f64).into()), Shape::Number),
        LiteralValue::UInt(number) => (LiteralValue::Double((*number.inner() as f64).into()), Shape::Number),
        LiteralValue::Double(_) => (literal, Shape::Number),
        LiteralValue::Boolean(_) => (literal, Shape::Bool),
        LiteralValue::String(_) => (literal, Shape::Text),
        LiteralValue::Null => return Err(Mistake::new("compares with null; ask `has(…)` whether an attribute is set")),
        LiteralValue::Bytes(_) => return Err(Mistake::new("has bytes, which no attribute is")),
    };
    Ok(Part::new(id, Expr::Literal(literal), shape))
}
