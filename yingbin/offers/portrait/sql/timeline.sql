-- The last twelve events of a year, newest first: what happened and with which product, without amounts.
WITH events AS (
    SELECT customer_id, china_day(at_ms) AS day, 'bought' AS event, product_code AS detail
    FROM purchases WHERE at_ms >= getvariable('from_ms') AND at_ms < getvariable('until_ms')
    UNION
    SELECT a.customer_id, a.opened_on, 'opened', a.product_code
    FROM account_now a
    ANTI JOIN purchases p ON p.customer_id = a.customer_id AND p.product_code = a.product_code
        AND china_day(p.at_ms) = a.opened_on -- said as bought already
    WHERE a.opened_on > getvariable('as_of') - 365
    UNION
    SELECT customer_id, closed_on, CASE WHEN closed_on >= matures_on THEN 'fell_due' ELSE 'closed' END, product_code
    FROM account_now WHERE closed AND closed_on > getvariable('as_of') - 365
    UNION
    SELECT customer_id, assessed_on, 'assessed', 'C' || level
    FROM risk_assessments WHERE assessed_on BETWEEN getvariable('as_of') - 364 AND getvariable('as_of')
    UNION
    SELECT customer_id, china_day(at_ms), kind, product_code
    FROM outcomes WHERE kind IN ('sold', 'refused') AND at_ms >= getvariable('from_ms') AND at_ms < getvariable('until_ms')
)
SELECT customer_id, day, event, detail
FROM events SEMI JOIN subjects USING (customer_id)
QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY day DESC, event, detail) <= 12
