-- What is missing or about to be free. Facts only: what must be inferred is an insight (C14), not a tag.
SELECT c.customer_id,
    -- purchasing power as in profile.py: demand + time deposits due within 30 days - 6 instalments
    greatest(0, coalesce(h.demand_fen, 0) + coalesce(h.time_due_fen, 0) - 6 * coalesce(h.repayment_fen, 0))
        AS investable_fen,
    nullif(h.idle_fen, 0) AS idle_90_days_fen,
    nullif(h.due_fen, 0) AS due_30_days_fen,
    h.next_maturity_on AS next_maturity_on,
    h.owned_fen >= 5000000 AND h.demand_fen > h.owned_fen / 2 AS demand_share_high,
    coalesce(NOT list_contains(g.names, 'mobile_bank'), true) AS no_mobile_bank,
    h.has_car_loan AND coalesce(NOT list_contains(g.names, 'etc'), true) AS car_loan_without_etc,
    a.exchanges >= 2 AND NOT h.has_fx AS exchanges_without_fx_account,
    coalesce(h.month_average_fen >= 20000000, false) AND NOT h.has_insurance AS assets_without_insurance,
    h.invests AND coalesce(r.valid_until <= getvariable('as_of') + 30, true) AS assessment_due
FROM customers c
SEMI JOIN subjects USING (customer_id)
LEFT JOIN held h USING (customer_id)
LEFT JOIN signed g USING (customer_id)
LEFT JOIN activity a USING (customer_id)
LEFT JOIN (
    SELECT customer_id, max_by(valid_until, assessed_on) AS valid_until
    FROM risk_assessments WHERE assessed_on <= getvariable('as_of') GROUP BY customer_id
) r ON r.customer_id = c.customer_id
