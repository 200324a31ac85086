-- What several groups need, computed once: one pass over balances, one over transactions.
-- Variables, set by job.py from the table `snapshot`:
--   as_of      the last day stated
--   month_end  the last day of the last whole month
--   from_ms, until_ms  the year that ends with as_of, in UTC milliseconds

CREATE TEMP MACRO china_day(at_ms) AS CAST(make_timestamp_ms(at_ms + 28800000) AS DATE);

-- Days of the month `ago` months before the last whole one that lie in [from_day, until_day).
CREATE TEMP MACRO days_in_month(from_day, until_day, ago) AS greatest(0, date_diff('day',
    greatest(from_day, CAST(date_trunc('month', getvariable('month_end') - to_months(ago)) AS DATE)),
    least(until_day, CAST(last_day(getvariable('month_end') - to_months(ago)) + 1 AS DATE))));
CREATE TEMP MACRO month_length(ago) AS day(last_day(getvariable('month_end') - to_months(ago)));

-- Whoever consents to marketing (C1); the others are not computed at all. `whereabouts`: may places be used.
CREATE TEMP TABLE subjects AS
SELECT c.customer_id, list(DISTINCT k.purpose) AS purposes, bool_or(k.purpose = 'whereabouts') AS whereabouts
FROM customers c JOIN consents k USING (customer_id)
WHERE k.granted_at_ms < getvariable('until_ms')
  AND coalesce(k.withdrawn_at_ms >= getvariable('until_ms'), true)
GROUP BY c.customer_id
HAVING bool_or(k.purpose = 'marketing');

-- Open accounts: the balance now, the lowest of the last 90 days, and fen x days of three months (average x length).
CREATE TEMP TABLE account_now AS
WITH spans AS (
    SELECT a.account_id, b.balance_fen, b.day AS from_day,
        least(lead(b.day, 1, CAST(getvariable('as_of') + 1 AS DATE)) OVER (PARTITION BY b.account_id ORDER BY b.day),
              coalesce(a.closed_on, CAST(getvariable('as_of') + 1 AS DATE))) AS until_day
    FROM balances b
    JOIN accounts a USING (account_id)
    SEMI JOIN subjects s ON s.customer_id = a.customer_id
    WHERE b.day <= getvariable('as_of')
), summed AS (
    SELECT account_id,
        arg_max(balance_fen, from_day) AS balance_fen,
        min(balance_fen) FILTER (until_day > getvariable('as_of') - 89) AS lowest_fen,
        sum(CAST(balance_fen AS HUGEINT) * days_in_month(from_day, until_day, 0)) AS fen_days_0,
        sum(CAST(balance_fen AS HUGEINT) * days_in_month(from_day, until_day, 3)) AS fen_days_3,
        min(from_day) AS first_day
    FROM spans GROUP BY account_id
)
SELECT a.account_id, a.customer_id, a.kind, a.product_code, a.currency, a.opened_on, a.closed_on, a.principal_fen,
    a.matures_on, a.risk_level, a.monthly_repayment_fen,
    coalesce(a.closed_on <= getvariable('as_of'), false) AS closed,
    CASE WHEN closed THEN 0 ELSE coalesce(m.balance_fen, 0) END AS balance_fen,
    coalesce(m.lowest_fen, 0) AS lowest_fen, m.first_day,
    coalesce(m.fen_days_0, 0) AS fen_days_0, coalesce(m.fen_days_3, 0) AS fen_days_3
FROM accounts a
SEMI JOIN subjects s ON s.customer_id = a.customer_id
LEFT JOIN summed m USING (account_id)
WHERE a.opened_on <= getvariable('as_of');

-- What a customer owns and owes. Owned: all but debts and custody, whose money is with the broker.
CREATE TEMP TABLE held AS
SELECT customer_id,
    sum(balance_fen) FILTER (owned) AS owned_fen,
    sum(balance_fen) FILTER (kind = 'demand') AS demand_fen,
    sum(balance_fen) FILTER (kind IN ('demand', 'time')) AS deposit_fen,
    sum(balance_fen) FILTER (kind IN ('wealth', 'fund', 'bond', 'metal')) AS invested_fen,
    sum(balance_fen) FILTER (kind = 'insurance') AS insurance_fen,
    sum(balance_fen) FILTER (kind IN ('credit_card', 'loan')) AS owed_fen,
    sum(balance_fen) FILTER (kind = 'loan') AS loan_fen,
    sum(balance_fen) FILTER (kind = 'credit_card') AS card_owed_fen,
    sum(principal_fen) FILTER (kind = 'credit_card' AND NOT closed) AS card_limit_fen,
    sum(monthly_repayment_fen) FILTER (kind = 'loan' AND NOT closed) AS repayment_fen,
    sum(lowest_fen) FILTER (kind = 'demand' AND NOT closed AND first_day <= getvariable('as_of') - 89) AS idle_fen,
    sum(balance_fen) FILTER (kind = 'time' AND matures_on BETWEEN getvariable('as_of') AND getvariable('as_of') + 30)
        AS time_due_fen,
    sum(balance_fen) FILTER (owned AND matures_on BETWEEN getvariable('as_of') AND getvariable('as_of') + 30) AS due_fen,
    min(matures_on) FILTER (owned AND NOT closed AND matures_on >= getvariable('as_of')) AS next_maturity_on,
    max(matures_on) FILTER (kind = 'loan' AND NOT closed) AS loans_end_on,
    round(sum(fen_days_0) FILTER (owned) / month_length(0)) AS month_average_fen,
    round(sum(fen_days_3) FILTER (owned) / month_length(3)) AS earlier_average_fen,
    min(first_day) FILTER (owned) AS first_day,
    count(*) FILTER (closed AND closed_on > getvariable('as_of') - 365 AND coalesce(closed_on < matures_on, true))
        AS closed_accounts,
    count(DISTINCT kind) FILTER (NOT closed) AS kinds,
    bool_or(kind = 'fx' AND NOT closed) AS has_fx,
    bool_or(kind = 'credit_card' AND NOT closed) AS has_card,
    bool_or(kind = 'insurance' AND NOT closed) AS has_insurance,
    bool_or(product_code = 'car_loan' AND NOT closed) AS has_car_loan,
    bool_or(risk_level IS NOT NULL AND NOT closed) AS invests,
    max(risk_level) FILTER (NOT closed) AS highest_risk,
    arg_max(kind, balance_fen) FILTER (owned AND balance_fen > 0) AS main_kind
FROM (SELECT *, kind NOT IN ('credit_card', 'loan', 'custody') AS owned FROM account_now)
GROUP BY customer_id;

-- Services signed by then.
CREATE TEMP TABLE signed AS
SELECT customer_id, count(DISTINCT service) AS services, list(DISTINCT service) AS names
FROM services SEMI JOIN subjects USING (customer_id)
WHERE since <= getvariable('as_of')
GROUP BY customer_id;

-- A year of transactions. `own`: between his own accounts. `paid`: he himself paid, drew or sent.
-- Only days count, never hours (C16). A salary on a month's last day is one of day 31.
CREATE TEMP TABLE activity AS
SELECT customer_id,
    max(day) FILTER (paid) AS last_paid_on,
    count(*) FILTER (paid AND day > getvariable('as_of') - 90) AS paid_90,
    count(*) FILTER (paid AND day BETWEEN getvariable('as_of') - 179 AND getvariable('as_of') - 90) AS paid_before_90,
    min(day) AS first_on,
    count(*) FILTER (paid AND last_three) AS paid_3m,
    sum(amount_fen) FILTER (amount_fen > 0 AND NOT own AND last_three) AS received_3m_fen,
    -sum(amount_fen) FILTER (amount_fen < 0 AND NOT own AND last_three) AS paid_3m_fen,
    count(*) FILTER (kind = 'salary') AS salaries,
    mode(CASE WHEN day = last_day(day) THEN 31 ELSE day(day) END) FILTER (kind = 'salary' AND half_year) AS salary_day,
    count(*) FILTER (kind = 'salary' AND half_year) AS salaries_half_year,
    -sum(amount_fen) FILTER (kind = 'card' AND last_three) AS card_3m_fen,
    -sum(amount_fen) FILTER (kind = 'card' AND channel = 'online' AND last_three) AS card_online_3m_fen,
    count(*) FILTER (paid AND half_year AND channel IN ('mobile', 'online')) AS digital,
    count(*) FILTER (paid AND half_year AND channel = 'counter') AS at_counter,
    count(*) FILTER (paid AND half_year) AS paid_half_year,
    mode(channel) FILTER (paid AND half_year) AS main_channel,
    count(*) FILTER (kind = 'fx' AND half_year) AS exchanges,
    count(*) FILTER (kind = 'cash' AND paid AND last_three) AS cash_3m,
    bit_count(bit_or(CAST(1 AS BIGINT) << month(day)) FILTER (kind = 'utility')) AS utility_months,
    bit_count(bit_or(CAST(1 AS BIGINT) << month(day)) FILTER (kind = 'repayment')) AS repayment_months,
    -sum(amount_fen) FILTER (kind = 'fee') AS fees_fen,
    -sum(amount_fen) FILTER (kind = 'transfer' AND amount_fen < 0 AND counterparty_kind = 'outside'
                             AND day > getvariable('as_of') - 90) AS moved_out_fen,
    max(abs(amount_fen)) FILTER (NOT own AND day > getvariable('as_of') - 30) AS largest_30_fen,
    sum(abs(amount_fen)) FILTER (NOT own AND day BETWEEN getvariable('as_of') - 210 AND getvariable('as_of') - 30)
        AS usual_180_fen,
    count(*) FILTER (whereabouts AND kind IN ('card', 'cash') AND channel <> 'online' AND country <> 'CN') AS abroad
FROM (
    SELECT t.*, s.whereabouts, china_day(t.at_ms) AS day,
        coalesce(t.counterparty_id = t.customer_id, false) AS own,
        t.amount_fen < 0 AND t.channel <> 'system' AND t.kind NOT IN ('fee', 'interest', 'repayment') AS paid,
        day > getvariable('as_of') - 182 AS half_year,
        day > last_day(getvariable('month_end') - to_months(3)) AND day <= getvariable('month_end') AS last_three
    FROM transactions t JOIN subjects s USING (customer_id)
    WHERE t.at_ms >= getvariable('from_ms') AND t.at_ms < getvariable('until_ms')
)
GROUP BY customer_id;

-- A year of purchases.
CREATE TEMP TABLE bought AS
SELECT customer_id, count(*) AS purchases, sum(amount_fen) AS bought_fen, max(china_day(at_ms)) AS last_on,
    max(risk_level) AS highest_risk, median(term_days) AS term_days, count(term_days) AS with_term,
    count(DISTINCT category) AS categories
FROM purchases SEMI JOIN subjects USING (customer_id)
WHERE at_ms >= getvariable('from_ms') AND at_ms < getvariable('until_ms')
GROUP BY customer_id;
