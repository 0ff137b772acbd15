//! Repeats, judges, allocation, fronts and plans against the golden numbers.

use super::*;

#[test]
fn repeats() {
    let (first, second, third) = (first(), second(), third());
    for (key, want) in rows(&first["pass"]) {
        let [n, passed, k] = counts(key);
        let trials = Trials { passed, n };
        close(key, pass_at_k(trials, k).unwrap(), &want[0]);
        close(key, pass_hat_k(trials, k).unwrap(), &want[1]);
    }
    let cases = [5, 3, 0].map(|passed| Trials { passed, n: 5 });
    for (key, want) in rows(&second["passhat"]) {
        let [k] = counts(key);
        close(key, mean_pass_hat_k(&cases, k).unwrap(), want);
    }
    for (key, want) in rows(&second["passat"]) {
        let [k] = counts(key);
        close(key, mean_pass_at_k(&cases, k).unwrap(), want);
    }
    for (key, want) in rows(&third["posterior_regressed_beta_half"]) {
        let [base, base_n, head, head_n] = counts(key);
        let trials = |passed, n| Trials { passed, n };
        let have = probability_worse(trials(base, base_n), trials(head, head_n)).unwrap();
        near(key, have, want.as_f64().unwrap(), 5e-6);
    }
}

#[test]
fn agreement_with_people() {
    let (first, second) = (first(), second());
    let three = confusion(&[&[11, 3, 1], &[1, 8, 3], &[0, 2, 14]]);
    for (key, want) in rows(&first["kappa"]) {
        let (table, weights) = match key.as_str() {
            "3x3quad" => (three.clone(), Weights::Quadratic),
            "3x3unw" => (three.clone(), Weights::Unweighted),
            two => {
                let [a, b, c, d] = counts::<4>(two).map(|count| count as u64);
                (confusion(&[&[a, b], &[c, d]]), Weights::Unweighted)
            }
        };
        close(key, table.agreement().value().unwrap(), &want["po"]);
        close(key, cohen_kappa(&table, weights).unwrap(), &want["kappa"]);
        let se = cohen_kappa_standard_error(&table).unwrap();
        close(key, se, &want["se_simple"]);
        close(key, gwet_ac1(&table).unwrap(), &want["ac1"]);
    }
    for (key, weights) in [
        ("kappa_w1", Weights::Linear),
        ("kappa_w2", Weights::Quadratic),
    ] {
        close(key, cohen_kappa(&three, weights).unwrap(), &second[key]);
    }

    for (key, scale) in [
        ("nominal", Scale::Nominal),
        ("ordinal", Scale::Ordinal),
        ("interval", Scale::Interval),
    ] {
        let have = krippendorff_alpha(&textbook_ratings(), scale).unwrap();
        close(key, have, &second["krippendorff"][key]);
    }
    assert_eq!(rows(&second["krippendorff"]).len(), 3);
}

#[test]
fn judges_corrected() {
    let (first, second) = (first(), second());
    let proportion = |rate, n| Proportion { rate, n };
    for (key, want) in rows(&first["rogan"]) {
        let have = match key.as_str() {
            "0.62" => rogan_gladen(
                proportion(0.62, 100.0),
                proportion(0.95, 50.0),
                proportion(0.70, 50.0),
            ),
            _ => rogan_gladen(
                proportion(0.80, 200.0),
                proportion(0.90, 60.0),
                proportion(0.85, 40.0),
            ),
        }
        .unwrap();
        close(key, have.estimate, &want["theta"]);
        close(key, have.standard_error, &want["se"]);
    }

    let want = &second["ppi"];
    let ones = |count, n| -> Vec<f64> { (0..n).map(|i| f64::from(u8::from(i < count))).collect() };
    let labels = [ones(5, 7), vec![1.0, 0.0, 0.0]].concat();
    let (on_labelled, on_unlabelled) = (ones(7, 10), ones(70, 100));
    let data = Predictions {
        labels: &labels,
        on_labelled: &on_labelled,
        on_unlabelled: &on_unlabelled,
    };
    let plain = prediction_powered(data, 1.0).unwrap();
    close("theta", plain.estimate, &want["theta"]);
    close("se", plain.standard_error, &want["se"]);
    close("lam", tuned_lambda(data).unwrap(), &want["lam"]);
    let tuned = prediction_powered_tuned(data).unwrap();
    close("theta_pp", tuned.estimate, &want["theta_pp"]);
    close("se_pp", tuned.standard_error, &want["se_pp"]);
}

#[test]
fn plans() {
    let (first, second) = (first(), second());
    let miller = |repeats: f64| {
        let arm = Arm {
            variance: 1.0 / 6.0,
            repeats,
        };
        questions_for_arms(1.0 / 9.0, [arm, arm], 0.03, Design::DIFFERENCE).unwrap()
    };
    let detectable = |n| minimum_detectable(0.5, n, Design::DIFFERENCE).unwrap();
    let mut power = first["power"].clone();
    for (key, have) in [
        ("miller w2=1/9,s2=1/6,K=1,d=.03", miller(1.0)),
        ("K=inf", miller(f64::INFINITY)),
        ("K=10", miller(10.0)),
        (
            "mcnemar disc=.2 d=.1",
            questions_for_mcnemar(0.2, 0.1, Design::DIFFERENCE).unwrap(),
        ),
        ("mde n=20 sd=.5", detectable(20)),
        ("mde n=60", detectable(60)),
        ("mde n=200", detectable(200)),
    ] {
        let want = power.as_object_mut().unwrap().remove(key).unwrap();
        let want = want.as_f64().unwrap();
        near(key, have, want, TOLERANCE * want.max(1.0));
    }
    assert_eq!(rows(&power).len(), 0);

    for (key, want) in rows(&second["ni_n"]) {
        let inputs = numbers(key);
        let have =
            questions_for_non_inferiority(inputs[0], inputs[1], Design::NON_INFERIORITY).unwrap();
        let want = want.as_f64().unwrap();
        near(key, have, want, TOLERANCE * want);
    }

    for (key, want) in rows(&first["naive_gate"]) {
        let inputs = numbers(key);
        let passes = threshold_pass_probability(inputs[0] as usize, inputs[1], 0.85).unwrap();
        let false_alarm = key.ends_with("falsefail") || key.ends_with("ff");
        close(key, if false_alarm { 1.0 - passes } else { passes }, want);
    }
}

#[test]
fn schedules() {
    let file = first();
    for (key, want) in rows(&file["seqhalving"]) {
        let [n, budget] = counts(key);
        let have: Vec<[usize; 2]> = halving_schedule(n, budget, 1)
            .unwrap()
            .iter()
            .map(|round| [round.configurations, round.questions])
            .collect();
        assert_eq!(serde_json::to_value(have).unwrap(), *want, "{key}");
    }
    let brackets = hyperband_brackets(81, 3).unwrap();
    let want = rows(&file["hyperband R81 eta3"]);
    assert_eq!(brackets.len(), want.len());
    for (bracket, s) in brackets.iter().zip((0..brackets.len()).rev()) {
        let have: Vec<[f64; 2]> = bracket
            .iter()
            .map(|step| [step.configurations as f64, step.resource])
            .collect();
        let want: Vec<[f64; 2]> = serde_json::from_value(want[&s.to_string()].clone()).unwrap();
        assert_eq!(have, want, "s = {s}");
    }
}

#[test]
fn fronts() {
    let file = second();
    let want = &file["hypervolume"];
    let points: Vec<[f64; 2]> = serde_json::from_value(want["points"].clone()).unwrap();
    let directions = [Direction::Up, Direction::Down];
    let rows: Vec<Vec<f64>> = points.iter().map(|point| point.to_vec()).collect();
    let have: Vec<[f64; 2]> = front(&rows, &directions)
        .unwrap()
        .into_iter()
        .map(|index| points[index])
        .collect();
    assert_eq!(serde_json::to_value(have).unwrap(), want["front"]);
    let reference: [f64; 2] = serde_json::from_value(want["ref"].clone()).unwrap();
    let have = hypervolume(&points, reference, directions).unwrap();
    close("hv", have, &want["hv"]);
}
