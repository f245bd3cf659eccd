//! Dual coordinate descent for several binary problems over the same rows.
//!
//! The problems of one-vs-rest differ in nothing but the signs of their rows. Here each is a lane:
//! one visit of a row computes its scores in all lanes and moves the dual variables of all. What
//! a row is, and how the weights of the lanes are kept, is left to [`Rows`].

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::dual::{DualCoordinateDescentValid, Loss};

/// Rows with the weights of the lanes that are fitted to them.
pub(super) trait Rows<const LANES: usize> {
    /// The dot products of a row with the weights of each lane.
    fn scores(&mut self, row: usize) -> [f64; LANES];

    /// Those of all rows, which may be found together at less cost than one by one.
    fn all_scores(&self) -> Vec<[f64; LANES]>;

    /// Adds multiples of the row that was scored last to the weights of each lane.
    fn add(&mut self, row: usize, multiples: &[f64; LANES]);

    /// Adds multiples of any row.
    fn add_unseen(&mut self, row: usize, multiples: &[f64; LANES]);
}

/// On which side of a lane's problem a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The annotation leaves it open: the row is no part of the problem.
    Open,
    Negative,
    Positive,
}

impl From<bool> for Side {
    fn from(holds: bool) -> Self {
        if holds {
            Self::Positive
        } else {
            Self::Negative
        }
    }
}

impl Side {
    fn sign(self) -> f64 {
        match self {
            Self::Open => 0.0,
            Self::Negative => -1.0,
            Self::Positive => 1.0,
        }
    }
}

/// Rows whose violation of optimality was below this share of the tolerance are passed over until
/// those above it are settled; all rows are looked at before descent stops.
const QUIET: f64 = 0.5;

/// Passes over the rows that are not quiet before all are looked at again. What is settled among some
/// rows unsettles others: more passes would be lost.
const PASSES: usize = 3;

/// Descent also stops where the objective of every lane is proven to lie above its minimum by no
/// more than this share of itself, times the square of the tolerance: objectives are flat near their
/// minimum, so a gap shrinks with the square of the violations.
const GAP: f64 = 0.5;

/// The state of one descent.
pub(super) struct Descent<'a, R, const LANES: usize> {
    settings: &'a DualCoordinateDescentValid,
    rows: R,
    /// For each row its sides.
    sides: &'a [[Side; LANES]],
    /// Upper bounds of the dual variables of negative and positive rows: C times the weight of the
    /// side.
    bounds: [[f64; 2]; LANES],
    /// For each row its squared norm, the constant feature included.
    curvatures: Vec<f64>,
    alphas: Vec<[f64; LANES]>,
    /// Weight of the constant feature.
    bias: [f64; LANES],
    /// How exactly the search for a dual variable of logistic regression ends.
    search_tolerance: f64,
    searches: usize,
}

/// What descent gives.
pub(super) struct Descended<R, const LANES: usize> {
    /// The rows with the weights.
    pub(super) rows: R,
    /// Biases of the lanes.
    pub(super) bias: [f64; LANES],
    /// Dual variables of each row.
    pub(super) alphas: Vec<[f64; LANES]>,
}

impl<'a, R: Rows<LANES>, const LANES: usize> Descent<'a, R, LANES> {
    /// A descent from given dual variables; those that are out of bounds are moved into them, and
    /// with none at all it starts at 0. The weights of `rows` must be 0.
    pub(super) fn new(
        settings: &'a DualCoordinateDescentValid,
        rows: R,
        squared_norms: &[f64],
        sides: &'a [[Side; LANES]],
        mut alphas: Vec<[f64; LANES]>,
    ) -> Self {
        let constant = settings.bias_scale * settings.bias_scale;
        let bounds = std::array::from_fn(|lane| {
            let of_side = |side| sides.iter().filter(|row| row[lane] == side).count();
            let weights = settings
                .class_weights
                .of(of_side(Side::Negative), of_side(Side::Positive));
            weights.map(|weight| settings.c * weight)
        });
        alphas.resize(sides.len(), [0.0; LANES]);
        Self {
            settings,
            rows,
            sides,
            bounds,
            curvatures: squared_norms.iter().map(|norm| norm + constant).collect(),
            alphas,
            bias: [0.0; LANES],
            search_tolerance: 1e-2,
            searches: 0,
        }
    }

    pub(super) fn run(mut self) -> Descended<R, LANES> {
        let rows = self.sides.len();
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.settings.seed);
        let mut passes = 0;
        let mut visits = self.settings.max_iterations.saturating_mul(rows);
        let mut order = match self.start() {
            true => self.unsettled(),
            false => (0..rows as u32).collect(),
        };
        while let Some(left) = visits
            .checked_sub(order.len())
            .filter(|_| !order.is_empty())
        {
            visits = left;
            order.shuffle(&mut random);
            passes += 1;
            if self.pass(&mut order) < self.settings.tolerance || passes == PASSES {
                passes = 0;
                order = self.unsettled();
            }
        }
        Descended {
            rows: self.rows,
            bias: self.bias.map(|bias| bias * self.settings.bias_scale),
            alphas: self.alphas,
        }
    }

    /// The rows that are not quiet; none where descent may stop: where the largest violation is below
    /// the tolerance, or each lane is as near to its optimum as the tolerance asks.
    fn unsettled(&mut self) -> Vec<u32> {
        let mut largest = 0.0f64;
        let mut order = Vec::new();
        let mut distances = [Distance::default(); LANES];
        for (row, scores) in self.rows.all_scores().iter().enumerate() {
            let margins = self.margins(row, scores);
            let mut violation = 0.0f64;
            for lane in 0..LANES {
                let side = self.sides[row][lane];
                if side == Side::Open {
                    continue;
                }
                let (alpha, margin) = (self.alphas[row][lane], margins[lane]);
                let bound = bound(&self.bounds[lane], side);
                let of_lane = match self.settings.loss {
                    Loss::SquaredHinge => self.projected_gradient(row, lane, side, margin).1,
                    Loss::Logistic => {
                        let gradient = margin + libm::log(alpha / (bound - alpha));
                        match gradient > 0.0 {
                            true => inwards(alpha, bound, gradient),
                            false => inwards(bound - alpha, bound, -gradient),
                        }
                    }
                };
                violation = violation.max(of_lane.abs());
                distances[lane].add(self.settings.loss, bound, alpha, margin);
            }
            largest = largest.max(violation);
            if violation >= QUIET * self.settings.tolerance {
                order.push(row as u32);
            }
        }
        let near = |distance: &Distance| {
            let tolerance = self.settings.tolerance;
            distance.gap <= GAP * tolerance * tolerance * distance.objective
        };
        if largest < self.settings.tolerance || distances.iter().all(near) {
            order.clear();
        }
        order
    }

    /// Brings dual variables and weights into agreement; tells whether any was given.
    fn start(&mut self) -> bool {
        let given = self.alphas.iter().flatten().any(|&alpha| alpha != 0.0);
        for row in 0..self.sides.len() {
            for lane in 0..LANES {
                let alpha = &mut self.alphas[row][lane];
                *alpha = match (self.sides[row][lane], self.settings.loss) {
                    (Side::Open, _) => 0.0,
                    (_, Loss::SquaredHinge) => alpha.max(0.0),
                    (side, Loss::Logistic) => {
                        let bound = bound(&self.bounds[lane], side);
                        let least = (0.001 * bound).min(1e-8);
                        alpha.clamp(least, bound - least)
                    }
                };
            }
            if let Some(multiples) = self.multiples(row, self.alphas[row]) {
                self.rows.add_unseen(row, &multiples);
            }
        }
        given
    }

    /// Visits the rows of `order`, keeps in it those that are not quiet, and gives the largest
    /// violation of optimality.
    fn pass(&mut self, order: &mut Vec<u32>) -> f64 {
        let quiet = QUIET * self.settings.tolerance;
        let mut largest = 0.0f64;
        let visited = order.len();
        self.searches = 0;
        order.retain(|&row| {
            let violation = match self.settings.loss {
                Loss::Logistic => self.visit_logistic(row as usize),
                Loss::SquaredHinge => self.visit_squared_hinge(row as usize),
            };
            largest = largest.max(violation);
            violation >= quiet
        });
        if self.searches <= visited / 10 {
            let finest = f64::min(1e-8, self.settings.tolerance);
            self.search_tolerance = finest.max(0.1 * self.search_tolerance);
        }
        largest
    }

    /// Margins of a row: its scores times its signs.
    fn margins(&self, row: usize, scores: &[f64; LANES]) -> [f64; LANES] {
        std::array::from_fn(|lane| {
            let score = scores[lane] + self.bias[lane] * self.settings.bias_scale;
            self.sides[row][lane].sign() * score
        })
    }

    /// Adds `steps` times the row just scored, times its signs, to the weights.
    fn step(&mut self, row: usize, steps: [f64; LANES]) {
        if let Some(multiples) = self.multiples(row, steps) {
            self.rows.add(row, &multiples);
        }
    }

    /// What is added to the weights of a row that takes some steps, if anything; the constant
    /// feature is taken care of.
    fn multiples(&mut self, row: usize, steps: [f64; LANES]) -> Option<[f64; LANES]> {
        let signed: [f64; LANES] =
            std::array::from_fn(|lane| steps[lane] * self.sides[row][lane].sign());
        for (bias, step) in self.bias.iter_mut().zip(signed) {
            *bias += step * self.settings.bias_scale;
        }
        signed.iter().any(|&step| step != 0.0).then_some(signed)
    }

    /// The derivative of the objective by a dual variable of a support vector machine, and what of
    /// it points to where the variable may go.
    fn projected_gradient(&self, row: usize, lane: usize, side: Side, margin: f64) -> (f64, f64) {
        let alpha = self.alphas[row][lane];
        let gradient = margin - 1.0 + 0.5 / bound(&self.bounds[lane], side) * alpha;
        let projected = if alpha == 0.0 {
            gradient.min(0.0)
        } else {
            gradient
        };
        (gradient, projected)
    }

    /// Dual variables are bounded below by 0 and moved to where the projected gradient vanishes.
    fn visit_squared_hinge(&mut self, row: usize) -> f64 {
        let scores = self.rows.scores(row);
        let margins = self.margins(row, &scores);
        let mut steps = [0.0; LANES];
        let mut largest = 0.0f64;
        for lane in 0..LANES {
            let side = self.sides[row][lane];
            if side == Side::Open {
                continue;
            }
            let (gradient, projected) = self.projected_gradient(row, lane, side, margins[lane]);
            largest = largest.max(projected.abs());
            if projected.abs() > 1e-12 {
                let diagonal = 0.5 / bound(&self.bounds[lane], side);
                let alpha = &mut self.alphas[row][lane];
                let moved = (*alpha - gradient / (self.curvatures[row] + diagonal)).max(0.0);
                steps[lane] = moved - *alpha;
                *alpha = moved;
            }
        }
        self.step(row, steps);
        largest
    }

    /// Each dual variable alpha in (0, bound) has a partner bound - alpha; the smaller of the two
    /// is moved, by a guarded Newton search, to where its derivative vanishes.
    fn visit_logistic(&mut self, row: usize) -> f64 {
        const LONGEST_SEARCH: usize = 100;
        let scores = self.rows.scores(row);
        let margins = self.margins(row, &scores);
        let curvature = self.curvatures[row];
        let mut moves = [0.0; LANES];
        let mut largest = 0.0f64;
        for lane in 0..LANES {
            let side = self.sides[row][lane];
            if side == Side::Open {
                continue;
            }
            let (bound, margin) = (bound(&self.bounds[lane], side), margins[lane]);
            let alpha = &mut self.alphas[row][lane];
            let partner = bound - *alpha;
            let move_partner = 0.5 * curvature * (partner - *alpha) + margin < 0.0;
            let (start, direction) = match move_partner {
                true => (partner, -1.0),
                false => (*alpha, 1.0),
            };
            let derivative =
                |z: f64| curvature * (z - start) + direction * margin + libm::log(z / (bound - z));
            let mut z = if bound - start < 0.5 * bound {
                0.1 * start
            } else {
                start
            };
            let end = END * bound;
            let mut slope = inwards(z, bound, derivative(z));
            largest = largest.max(slope.abs());
            let mut steps = 0;
            while steps < LONGEST_SEARCH && slope.abs() >= self.search_tolerance {
                let second = curvature + bound / (bound - z) / z;
                let newton = z - slope / second;
                z = match newton {
                    newton if newton <= 0.0 => z * 0.1,
                    newton if newton >= bound => 0.5 * (z + bound),
                    newton => newton,
                };
                z = z.clamp(end, bound - end);
                slope = inwards(z, bound, derivative(z));
                steps += 1;
            }
            if steps > 0 {
                self.searches += steps;
                *alpha = if move_partner { bound - z } else { z };
                moves[lane] = direction * (z - start);
            }
        }
        self.step(row, moves);
        largest
    }
}

/// Dual variables of logistic regression end this share of their bound before it and before 0: nearer
/// they could not be told from the end itself, where there is no logarithm.
const END: f64 = 1e-12;

/// A derivative by such a variable; none where it could only push the variable over its lower end.
fn inwards(variable: f64, bound: f64, derivative: f64) -> f64 {
    match variable <= 2.0 * END * bound && derivative > 0.0 {
        true => 0.0,
        false => derivative,
    }
}

/// How far a lane is from its optimum.
#[derive(Clone, Copy, Default)]
struct Distance {
    /// What is minimised.
    objective: f64,
    /// By how much it may lie above its minimum at most: its distance from the dual objective.
    gap: f64,
}

impl Distance {
    /// Adds a row's part. The squared norm of the weights is the sum of alpha times margin, so that
    /// the gap is a sum over rows as well, of terms that are not negative.
    fn add(&mut self, loss: Loss, bound: f64, alpha: f64, margin: f64) {
        let (of_margin, of_alpha) = match loss {
            Loss::SquaredHinge => {
                let missing = (1.0 - margin).max(0.0);
                let conjugate = alpha * alpha / (4.0 * bound) - alpha;
                (bound * missing * missing, conjugate)
            }
            Loss::Logistic => {
                let entropy = |share: f64| share * libm::log(share / bound);
                let log_loss = libm::log1p(libm::exp(-margin.abs())) + (-margin).max(0.0);
                (bound * log_loss, entropy(alpha) + entropy(bound - alpha))
            }
        };
        self.objective += 0.5 * alpha * margin + of_margin;
        self.gap += of_margin + of_alpha + alpha * margin;
    }
}

fn bound(of_sides: &[f64; 2], side: Side) -> f64 {
    of_sides[usize::from(side == Side::Positive)]
}
