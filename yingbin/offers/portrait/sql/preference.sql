-- What the customer chooses, counted from what he holds, bought and used.
SELECT c.customer_id,
    h.main_kind AS main_holding,
    h.deposit_fen / nullif(h.owned_fen, 0) AS deposit_share,
    h.invested_fen / nullif(h.owned_fen, 0) AS investment_share,
    greatest(h.highest_risk, b.highest_risk) AS highest_risk_used,
    CASE WHEN b.with_term < 2 THEN NULL WHEN b.term_days <= 90 THEN 'to_90' WHEN b.term_days <= 180 THEN 'to_180'
         WHEN b.term_days <= 365 THEN 'to_365' WHEN b.term_days > 365 THEN 'over_365' END AS usual_term,
    CASE WHEN a.paid_half_year >= 6 THEN a.main_channel END AS main_channel,
    CASE WHEN a.paid_half_year >= 6 THEN a.digital / a.paid_half_year END AS digital_share,
    coalesce(h.kinds, 0) AS kinds_held
FROM customers c
SEMI JOIN subjects USING (customer_id)
LEFT JOIN held h USING (customer_id)
LEFT JOIN bought b USING (customer_id)
LEFT JOIN activity a USING (customer_id)
