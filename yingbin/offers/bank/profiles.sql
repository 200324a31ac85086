-- Profiles as of the snapshot's day, one row a customer: the columns of the province's import. Every formula is in
-- docs/bank-data.md; purchasing power and debt service follow from these fields in yingbin/offers/profile.py.
-- `asked` (customer_id, marketing) says of whom, and whether more than the risk assessment (a duty of law) may be used.
WITH today AS (SELECT max(as_of) AS day FROM snapshot),
open_accounts AS (
    SELECT a.*, today.day FROM accounts a JOIN asked USING (customer_id), today
    WHERE marketing AND opened_on <= today.day AND (closed_on IS NULL OR closed_on > today.day)
), newest AS (
    SELECT account_id, arg_max(balance_fen, b.day) AS fen
    FROM balances b SEMI JOIN open_accounts USING (account_id), today WHERE b.day <= today.day GROUP BY account_id
), held AS (
    SELECT o.*, coalesce(n.fen, 0) AS fen,
        min(matures_on) FILTER (kind = 'time' AND matures_on >= o.day) OVER (PARTITION BY customer_id) AS next_on
    FROM open_accounts o LEFT JOIN newest n USING (account_id)
), amounts AS (
    SELECT customer_id,
        coalesce(sum(fen) FILTER (kind = 'time'), 0) AS time_deposit_fen,
        coalesce(sum(fen) FILTER (kind = 'time' AND matures_on = next_on), 0) AS due_fen,
        any_value(next_on) AS next_on,
        coalesce(sum(fen) FILTER (kind = 'demand'), 0) AS demand_deposit_fen,
        coalesce(sum(fen) FILTER (kind = 'wealth'), 0) AS wealth_product_fen,
        coalesce(sum(fen) FILTER (kind = 'fund'), 0) AS fund_fen,
        coalesce(sum(fen) FILTER (kind = 'insurance'), 0) AS insurance_fen,
        coalesce(sum(fen) FILTER (kind = 'bond'), 0) AS treasury_bond_fen,
        coalesce(sum(fen) FILTER (product_code = 'mortgage'), 0) AS mortgage_fen,
        coalesce(sum(fen) FILTER (product_code = 'car_loan'), 0) AS car_loan_fen,
        coalesce(sum(fen) FILTER (product_code = 'parking_loan'), 0) AS parking_loan_fen,
        coalesce(sum(fen) FILTER (product_code = 'business_loan'), 0) AS business_loan_fen,
        coalesce(sum(monthly_repayment_fen), 0) AS monthly_repayment_fen,
        min(opened_on) FILTER (kind = 'demand') AS demand_since
    FROM held GROUP BY customer_id
), booked AS (
    SELECT t.customer_id, t.kind, t.amount_fen, t.account_id,
        CAST(make_timestamp_ms(t.at_ms + 28800000) AS DATE) AS on_day
    FROM transactions t JOIN asked a USING (customer_id)
    WHERE a.marketing AND (t.kind = 'salary' OR t.amount_fen < 0 AND t.kind NOT IN ('fee', 'interest'))
), flows AS (
    SELECT customer_id,
        max(on_day) FILTER (amount_fen < 0 AND account_id IN (SELECT account_id FROM accounts WHERE kind = 'demand'))
            AS left_on,
        mode(CASE WHEN on_day = last_day(on_day) THEN 31 ELSE day(on_day) END)
            FILTER (kind = 'salary' AND on_day > today.day - 180) AS salary_day
    FROM booked, today WHERE on_day <= today.day GROUP BY customer_id
), named AS (
    SELECT customer_id, product_code AS name FROM held
    UNION SELECT customer_id, kind FROM held
    UNION SELECT customer_id, service FROM services JOIN asked USING (customer_id), today
        WHERE marketing AND since <= today.day
    UNION SELECT customer_id, product_code FROM outcomes JOIN asked USING (customer_id)
        WHERE marketing AND kind = 'sold'
), holdings AS (
    SELECT customer_id, string_agg(DISTINCT holding, '|' ORDER BY holding) AS holdings
    FROM named JOIN holding_of USING (name) GROUP BY customer_id
), assessed AS (
    SELECT customer_id, arg_max(level, assessed_on) AS level, arg_max(valid_until, assessed_on) AS valid_until
    FROM risk_assessments SEMI JOIN asked USING (customer_id), today WHERE assessed_on <= today.day GROUP BY customer_id
)
SELECT a.customer_id, today.day AS as_of,
    time_deposit_fen::BIGINT AS time_deposit_fen,
    CASE WHEN due_fen <> 0 THEN due_fen::BIGINT END AS time_deposit_maturing_fen,
    CASE WHEN due_fen <> 0 THEN next_on END AS time_deposit_matures_on,
    demand_deposit_fen::BIGINT AS demand_deposit_fen,
    CASE WHEN demand_since IS NOT NULL THEN coalesce(today.day - left_on, least(365, today.day - demand_since)) END::INT
        AS demand_idle_days,
    wealth_product_fen::BIGINT AS wealth_product_fen, fund_fen::BIGINT AS fund_fen,
    insurance_fen::BIGINT AS insurance_fen, treasury_bond_fen::BIGINT AS treasury_bond_fen,
    mortgage_fen::BIGINT AS mortgage_fen, car_loan_fen::BIGINT AS car_loan_fen,
    parking_loan_fen::BIGINT AS parking_loan_fen, business_loan_fen::BIGINT AS business_loan_fen,
    monthly_repayment_fen::BIGINT AS monthly_repayment_fen,
    CASE WHEN a.marketing THEN nullif(c.documented_monthly_income_fen, 0) END AS documented_monthly_income_fen,
    salary_day::INT AS salary_day, holdings,
    'risk_c' || level AS risk_level, valid_until AS risk_valid_until
FROM asked a JOIN customers c USING (customer_id) CROSS JOIN today
LEFT JOIN amounts USING (customer_id) LEFT JOIN flows USING (customer_id) LEFT JOIN holdings USING (customer_id)
LEFT JOIN assessed USING (customer_id)
ORDER BY customer_id
