//! Choosing features by how much they tell about the labels.

use ndarray::Array2;

use super::row::SparseRow;

/// The `keep` features with the largest chi-squared statistic over all labels, ascending by number.
///
/// `holds[label][row]` tells whether a label holds. Each feature's statistic is that of the table
/// of its summed values against a label (as in scikit-learn's `chi2`), the largest over the labels.
pub fn select_by_chi_squared(
    rows: &Array2<SparseRow>,
    features: usize,
    holds: &[Vec<bool>],
    keep: usize,
) -> Vec<usize> {
    let mut totals = vec![0.0; features];
    for row in rows {
        row.iter()
            .for_each(|(feature, value)| totals[feature] += value);
    }
    let mut best = vec![0.0f64; features];
    for label in holds {
        let share = label.iter().filter(|&&held| held).count() as f64 / rows.nrows().max(1) as f64;
        if share == 0.0 || share == 1.0 {
            continue;
        }
        let mut observed = vec![0.0; features];
        for (row, _) in rows.iter().zip(label).filter(|(_, held)| **held) {
            row.iter()
                .for_each(|(feature, value)| observed[feature] += value);
        }
        for feature in 0..features {
            let expected = totals[feature] * share;
            if expected > 0.0 {
                let difference = observed[feature] - expected;
                let rest = totals[feature] * (1.0 - share);
                let statistic = difference * difference * (1.0 / expected + 1.0 / rest);
                best[feature] = best[feature].max(statistic);
            }
        }
    }
    let mut order: Vec<usize> = (0..features).collect();
    order.sort_by(|&a, &b| best[b].total_cmp(&best[a]).then(a.cmp(&b)));
    order.truncate(keep);
    order.sort_unstable();
    order
}

#[cfg(test)]
mod tests {
    use super::super::row::records;
    use super::*;

    #[test]
    fn telling_features_win() {
        let row = |pairs: &[(u32, f32)]| SparseRow::from_pairs(&mut pairs.to_vec());
        let rows = records(vec![
            row(&[(0, 1.0), (1, 1.0)]),
            row(&[(0, 1.0), (1, 1.0), (2, 0.1)]),
            row(&[(0, 1.0)]),
            row(&[(0, 1.0)]),
        ]);
        let holds = [vec![true, true, false, false]];
        assert_eq!(select_by_chi_squared(&rows, 3, &holds, 1), [1]);
        assert_eq!(select_by_chi_squared(&rows, 3, &holds, 2), [1, 2]);
    }
}
