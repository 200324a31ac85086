-- How money moves: averages are of the last three whole months.
SELECT c.customer_id,
    CAST(round(coalesce(a.paid_3m, 0) / 3) AS BIGINT) AS payments_a_month,
    coalesce(a.received_3m_fen, 0) // 3 AS received_a_month_fen,
    coalesce(a.paid_3m_fen, 0) // 3 AS paid_a_month_fen,
    CASE WHEN a.salaries_half_year >= 3 THEN a.salary_day END AS salary_day,
    greatest(a.card_3m_fen, 0) // 3 AS card_spending_a_month_fen,
    CASE WHEN a.card_3m_fen > 0 AND a.card_online_3m_fen >= 0
         THEN least(1, a.card_online_3m_fen / a.card_3m_fen) END AS online_spending_share,
    a.cash_3m >= 6 AS uses_cash,
    a.utility_months >= 3 AS pays_utilities_here,
    a.exchanges >= 2 AS exchanges_currency,
    a.abroad >= 3 AS spends_abroad,
    a.largest_30_fen >= 10000000 AND a.largest_30_fen > 3 * coalesce(a.usual_180_fen, 0) / 6 AS unusual_movement
FROM customers c
SEMI JOIN subjects USING (customer_id)
LEFT JOIN activity a USING (customer_id)
