"""Writes scipy-vectors.json: random inputs with the answers of scipy, statsmodels, krippendorff and ppi-python.

pip install scipy==1.17.1 statsmodels==0.15.0 krippendorff==0.9.0 ppi-python==0.2.3
python scipy_vectors.py > scipy-vectors.json

The generator is seeded, so that a new run gives the same file up to the last digits of other versions.
"""

import json
import math

import krippendorff
import numpy as np
import statsmodels.api as sm
from ppi_py import ppi_mean_pointestimate
from scipy import integrate, special, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

rng = np.random.default_rng(20260901)


def rates():
    for _ in range(40):
        n = int(rng.choice([5, 20, 60, 200, 5000, 100000]))
        s = int(rng.integers(1, n))
        confidence = float(rng.choice([0.8, 0.9, 0.95, 0.99, 0.999999]))
        row = {"s": s, "n": n, "confidence": confidence}
        for name, method in [("wilson", "wilson"), ("clopper_pearson", "beta"), ("jeffreys", "jeffreys")]:
            row[name] = [float(x) for x in proportion_confint(s, n, 1 - confidence, method)]
        yield row


def clustered_means():
    for _ in range(30):
        clusters = rng.integers(0, int(rng.integers(3, 12)), int(rng.integers(6, 40)))
        values = np.round(rng.random(len(clusters)), 3)
        fit = sm.OLS(values, np.ones(len(values))).fit(
            cov_type="cluster", cov_kwds={"groups": clusters, "df_correction": True}, use_t=True
        )
        low, high = fit.conf_int(0.05)[0]
        yield {
            "values": values.tolist(), "clusters": clusters.tolist(),
            "mean": float(fit.params[0]), "se": float(fit.bse[0]), "ci": [float(low), float(high)],
        }


def paired():
    for _ in range(30):
        n = int(rng.integers(3, 40))
        base = np.round(rng.random(n), 2)
        head = np.round(base + rng.normal(0, 0.2) + rng.normal(0, 0.1, n), 2)
        test = stats.ttest_rel(head, base)
        low, high = test.confidence_interval(0.95)
        yield {
            "head": head.tolist(), "base": base.tolist(), "t": float(test.statistic), "p": float(test.pvalue),
            "less": float(stats.ttest_rel(head, base, alternative="less").pvalue), "ci": [float(low), float(high)],
        }


def sign_flips():
    for _ in range(15):
        d = np.round(rng.normal(-0.1, 0.5, int(rng.integers(3, 13))), 1)
        row = {"d": d.tolist()}
        for name, side in [("two_sided", "two-sided"), ("less", "less"), ("greater", "greater")]:
            # The two-sided p of permutation_test doubles the smaller tail: the same, as the sums are symmetric.
            row[name] = float(stats.permutation_test(
                (d,), lambda x, axis: np.round(np.sum(x, axis=axis), 9), permutation_type="samples",
                n_resamples=np.inf, vectorized=True, alternative=side).pvalue)
        yield row


def signed_ranks():
    for i in range(30):
        n = int(rng.integers(4, 45))
        d = rng.normal(0.2, 1, n) if i % 2 else np.round(rng.normal(0.2, 1, n))
        if not d.any():
            continue
        method = "exact" if i % 2 else "asymptotic"
        row = {"d": d.tolist(), "method": method}
        for name, side in [("two_sided", "two-sided"), ("less", "less"), ("greater", "greater")]:
            test = stats.wilcoxon(d, zero_method="zsplit", method=method, alternative=side)
            row[name] = float(test.pvalue)
        row["positive"] = float(test.statistic)
        yield row


def friedmans():
    for _ in range(15):
        scores = np.round(rng.random((int(rng.integers(3, 7)), int(rng.integers(4, 30)))), 1)
        test = stats.friedmanchisquare(*scores)
        yield {"scores": scores.tolist(), "statistic": float(test.statistic), "p": float(test.pvalue)}


def mcnemars():
    for _ in range(20):
        w, losses = (int(x) for x in rng.integers(0, 400, 2))
        exact = mcnemar([[0, w], [losses, 0]], exact=True)
        chi = mcnemar([[0, w], [losses, 0]], exact=False, correction=True)
        yield {
            "w": w, "l": losses, "exact": float(exact.pvalue), "chi": float(chi.statistic),
            "chi_p": float(chi.pvalue), "worse": float(stats.binom.cdf(w, w + losses, 0.5)),
        }


def adjusted():
    for _ in range(15):
        p = np.round(rng.random(int(rng.integers(1, 12))) ** 2, 3)
        yield {
            "p": p.tolist(), "holm": multipletests(p, method="holm")[1].tolist(),
            "bh": multipletests(p, method="fdr_bh")[1].tolist(),
        }


def kappas():
    for _ in range(20):
        k = int(rng.integers(2, 6))
        table = rng.integers(0, 20, (k, k)) + np.diag(rng.integers(5, 60, k))
        row = {"table": table.tolist()}
        for name, weights in [("unweighted", None), ("linear", "linear"), ("quadratic", "quadratic")]:
            row[name] = float(cohens_kappa(table, wt=weights).kappa)
        yield row


def alphas():
    for _ in range(12):
        ratings = rng.integers(1, 6, (int(rng.integers(2, 5)), int(rng.integers(5, 20)))).astype(float)
        ratings[rng.random(ratings.shape) < 0.2] = np.nan
        row = {"ratings": [[None if math.isnan(x) else x for x in r] for r in ratings]}
        for scale in ["nominal", "ordinal", "interval", "ratio"]:
            row[scale] = float(krippendorff.alpha(ratings, level_of_measurement=scale))
        yield row


def posteriors():
    for _ in range(20):
        n, m = (int(x) for x in rng.integers(1, 60, 2))
        c, h = int(rng.integers(0, n + 1)), int(rng.integers(0, m + 1))
        base, head = stats.beta(c + 0.5, n - c + 0.5), stats.beta(h + 0.5, m - h + 0.5)
        value = integrate.quad(
            lambda t: base.pdf(math.sin(t) ** 2) * math.sin(2 * t) * head.cdf(math.sin(t) ** 2),
            1e-12, math.pi / 2 - 1e-12, epsabs=1e-13, epsrel=1e-12, limit=1000)[0]
        yield {"base": [c, n], "head": [h, m], "worse": float(value)}


def e_values():
    for _ in range(20):
        w, losses = (int(x) for x in rng.integers(0, 60, 2))
        ln = (w + losses + 1) * math.log(2) + special.betaln(w + 1, losses + 1)
        yield {
            "w": w, "l": losses, "worse": math.exp(ln) * float(special.betainc(w + 1, losses + 1, 0.5)),
            "different": math.exp(ln) / 2,
        }


def predictions():
    while True:
        n, m = int(rng.integers(8, 40)), int(rng.integers(40, 200))
        f, g = rng.random(n).round(2), rng.random(m).round(2)
        y = (f * 0.7 + rng.random(n) * 0.4 > 0.55).astype(float)
        lam = float(np.cov(y, f)[0, 1] / ((1 + n / m) * np.var(np.r_[f, g], ddof=1)))
        if 0 < lam < 1:
            yield {
                # The weight is given: ppi-python takes the covariance over n, the contract over n - 1.
                "y": y.tolist(), "f": f.tolist(), "g": g.tolist(), "lambda": lam,
                "plain": float(ppi_mean_pointestimate(y, f, g, lam=1)[0]),
                "tuned": float(ppi_mean_pointestimate(y, f, g, lam=lam)[0]),
            }


def take(rows, n):
    return [row for row, _ in zip(rows, range(n))]


tables = {
    "rates": rates(), "clustered_means": clustered_means(), "paired": paired(), "sign_flips": sign_flips(),
    "signed_ranks": signed_ranks(), "friedmans": friedmans(), "mcnemars": mcnemars(), "adjusted": adjusted(),
    "kappas": kappas(), "alphas": alphas(), "posteriors": posteriors(), "e_values": e_values(),
    "predictions": take(predictions(), 12),
}
lines = []
for name, rows in tables.items():
    body = ",\n".join("  " + json.dumps(row, separators=(",", ":")) for row in rows)
    lines.append(f' "{name}": [\n{body}\n ]')
print("{\n" + ",\n".join(lines) + "\n}")
