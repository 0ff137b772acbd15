//! Many keys, many rows, little time.

use super::*;

/// Order numbers in a filter, in order of appearance.
fn numbers(request: &Request) -> Vec<u64> {
    let filter = parameter(request, "$filter").unwrap();
    let quoted = filter.split('\'').skip(1).step_by(2);
    quoted.filter_map(|text| text.parse().ok()).collect()
}

#[tokio::test]
async fn many_keys_go_in_batches_and_come_back_in_order() {
    let sap = Sap::new().await;
    sap.answers(FACT_SHEET, "C_PurchaseOrderFs", |request| {
        let found = numbers(request);
        let hits: Vec<Value> = found.iter().map(|number| hit(*number)).collect();
        // The later a batch, the sooner its answer.
        let delay = Duration::from_millis((found[0] - 4_500_000_000) / 2);
        rows(&hits, hits.len()).set_delay(delay)
    })
    .await;
    let filter = OrderFilter {
        numbers: (0..200_u64)
            .map(|n| (4_500_000_000 + n * 7 % 200).to_string())
            .collect(),
        deleted: Some(false),
        ..OrderFilter::default()
    };
    let found = sap
        .fact_sheet()
        .orders(&filter, Sort::NumberDescending, 150, &invocation())
        .await
        .unwrap();
    let expected: Vec<String> = (50..200_u64)
        .rev()
        .map(|n| (4_500_000_000 + n).to_string())
        .collect();
    let found_numbers: Vec<String> = found
        .rows
        .iter()
        .map(|order| order.number.clone())
        .collect();
    assert_eq!(found_numbers, expected);
    assert_eq!(
        (found.total, found.complete, found.total_is_minimum),
        (200, false, false)
    );
    let requests = sap.requests().await;
    assert_eq!(requests.len(), 9);
    for request in requests {
        let keys = numbers(&request).len();
        assert!((8..=40).contains(&keys), "{keys}");
        assert!(request.url.as_str().len() < 2_000, "{}", request.url);
    }
}

#[tokio::test]
async fn an_order_cut_by_the_row_budget_is_not_answered_for() {
    let sap = Sap::new().await;
    // Three orders; reading stops in the middle of the second.
    let body = json!({"d": {"__count": "9", "results": [
        schedule_line(1, "00010", 20_000, ["5.000", "1.000", "4.000"]),
        schedule_line(2, "00010", 20_000, ["5.000", "1.000", "4.000"]),
    ]}});
    sap.holds(FACT_SHEET, "I_PurchaseOrderScheduleLine", body)
        .await;
    let lines = [1, 2, 3].map(|order| line(order, "00010", "EA"));
    let found = sap
        .fact_sheet()
        .open_quantities(&lines, &invocation())
        .await
        .unwrap();
    let answered: Vec<&str> = found
        .rows
        .iter()
        .map(|row| row.key.order.as_str())
        .collect();
    assert_eq!((answered, found.complete), (vec!["1"], false));
}

#[tokio::test]
async fn little_time_starts_no_further_batches() {
    let sap = Sap::new().await;
    sap.answers(FACT_SHEET, "C_PurchaseOrderFs", |request| {
        let hits: Vec<Value> = numbers(request).into_iter().map(hit).collect();
        rows(&hits, hits.len())
    })
    .await;
    let filter = OrderFilter {
        numbers: (0..200_u64)
            .map(|n| (4_500_000_000 + n).to_string())
            .collect(),
        ..OrderFilter::default()
    };
    let call = Invocation::new("call-1", Deadline::after(Duration::from_millis(2_500)));
    let found = sap
        .fact_sheet()
        .orders(&filter, Sort::Number, 500, &call)
        .await
        .unwrap();
    assert_eq!(sap.requests().await.len(), 4);
    assert_eq!(
        (found.complete, found.total_is_minimum, found.total as usize),
        (false, true, found.rows.len())
    );
}

#[tokio::test]
async fn a_request_for_nothing_still_counts() {
    let sap = Sap::new().await;
    sap.answers(FACT_SHEET, "I_PurchaseOrderItem", |_| {
        rows(&[key(4_500_000_001)], 301)
    })
    .await;
    let found = sap
        .fact_sheet()
        .lines(&LineFilter::default(), Sort::Number, 0, &invocation())
        .await
        .unwrap();
    assert_eq!(
        (found.rows.len(), found.total, found.complete),
        (0, 301, false)
    );
    let none = sap.fact_sheet().open_quantities(&[], &invocation()).await;
    assert_eq!(none.unwrap().rows, []);
    assert_eq!(sap.requests().await.len(), 1);
}
