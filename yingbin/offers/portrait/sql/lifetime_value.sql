-- What the relation has been worth in a year, and how deep it is.
WITH answers AS (
    SELECT customer_id,
        count(*) FILTER (kind IN ('accepted', 'sold')) AS accepted,
        count(*) FILTER (kind = 'refused') AS refused,
        sum(margin_fen) FILTER (kind = 'sold') AS margin_fen
    FROM outcomes SEMI JOIN subjects USING (customer_id)
    WHERE at_ms >= getvariable('from_ms') AND at_ms < getvariable('until_ms')
    GROUP BY customer_id
)
SELECT c.customer_id,
    date_diff('day', b.last_on, getvariable('as_of')) AS days_since_purchase,
    coalesce(b.purchases, 0) AS purchases_a_year,
    nullif(b.bought_fen, 0) AS bought_a_year_fen,
    nullif(a.fees_fen, 0) AS fees_a_year_fen,
    n.margin_fen AS margin_a_year_fen,
    CASE WHEN n.accepted + n.refused >= 3 THEN n.accepted / (n.accepted + n.refused) END AS acceptance_share,
    -- five years with the bank; five kinds of account and service; a payment within 30 days: how many of the three
    CASE (date_sub('year', c.opened_on, getvariable('as_of')) >= 5)::INTEGER
         + (coalesce(h.kinds, 0) + coalesce(g.services, 0) >= 5)::INTEGER
         + coalesce(a.last_paid_on > getvariable('as_of') - 30, false)::INTEGER
         WHEN 3 THEN 'high' WHEN 2 THEN 'medium' ELSE 'low' END AS loyalty
FROM customers c
SEMI JOIN subjects USING (customer_id)
LEFT JOIN bought b USING (customer_id)
LEFT JOIN activity a USING (customer_id)
LEFT JOIN answers n USING (customer_id)
LEFT JOIN held h USING (customer_id)
LEFT JOIN signed g USING (customer_id)
