-- Is the customer leaving? Points: assets fell by half 2, by a fifth 1; payments fell by half 1; no payment for 90 days 1;
-- moved out more than a third of what he had 1; an account closed early within a year 1. From 3 high, from 2 medium.
WITH facts AS (
    SELECT c.customer_id, a.moved_out_fen, h.closed_accounts,
        CASE WHEN h.first_day < date_trunc('month', getvariable('month_end') - to_months(3)) + to_days(1)
             THEN h.month_average_fen / nullif(h.earlier_average_fen, 0) - 1 END AS asset_change,
        CASE WHEN a.paid_before_90 >= 10 AND a.first_on <= getvariable('as_of') - 179
             THEN a.paid_90 / a.paid_before_90 - 1 END AS payment_change,
        date_diff('day', a.last_paid_on, getvariable('as_of')) AS quiet_days,
        coalesce(h.month_average_fen, 0) AS now_fen, coalesce(h.earlier_average_fen, 0) AS earlier_fen
    FROM customers c
    SEMI JOIN subjects USING (customer_id)
    LEFT JOIN held h USING (customer_id)
    LEFT JOIN activity a USING (customer_id)
), points AS (
    SELECT *,
        CASE WHEN asset_change <= -0.5 THEN 2 WHEN asset_change <= -0.2 THEN 1 ELSE 0 END
        + coalesce(payment_change <= -0.5, false)::INTEGER
        + coalesce(quiet_days >= 90, false)::INTEGER
        + coalesce(moved_out_fen > earlier_fen / 3 AND earlier_fen > 0, false)::INTEGER
        + coalesce(closed_accounts > 0, false)::INTEGER AS points
    FROM facts
)
SELECT customer_id,
    asset_change AS asset_change,
    CASE WHEN asset_change >= 0.2 THEN 'rising' WHEN asset_change <= -0.2 THEN 'falling'
         WHEN asset_change IS NOT NULL THEN 'stable' END AS asset_trend,
    payment_change AS payment_change,
    quiet_days AS quiet_days,
    nullif(moved_out_fen, 0) AS moved_out_90_days_fen,
    nullif(closed_accounts, 0) AS accounts_closed,
    -- B10: only above 200,000 yuan of monthly average assets, now or three months ago
    CASE WHEN greatest(now_fen, earlier_fen) < 20000000 THEN NULL
         WHEN points >= 3 THEN 'high' WHEN points = 2 THEN 'medium' ELSE 'low' END AS churn_risk
FROM points
