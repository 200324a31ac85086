-- How much the customer has with the bank.
SELECT c.customer_id,
    c.tier AS tier,
    coalesce(h.owned_fen, 0) AS assets_fen,
    coalesce(h.month_average_fen, 0) AS month_average_assets_fen,
    CASE WHEN h.month_average_fen >= 600000000 THEN 'from_6m' WHEN h.month_average_fen >= 100000000 THEN 'from_1m'
         WHEN h.month_average_fen >= 20000000 THEN 'from_200k' WHEN h.month_average_fen >= 5000000 THEN 'from_50k'
         ELSE 'under_50k' END AS asset_band,
    coalesce(h.owed_fen, 0) AS liabilities_fen
FROM customers c
SEMI JOIN subjects USING (customer_id)
LEFT JOIN held h USING (customer_id)
