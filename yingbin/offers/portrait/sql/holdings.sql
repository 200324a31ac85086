-- What the customer holds and owes now, a row a product.
SELECT customer_id, product_code AS product, kind, sum(balance_fen) AS balance_fen,
    min(matures_on) FILTER (matures_on >= getvariable('as_of')) AS matures_on
FROM account_now
WHERE NOT closed
GROUP BY customer_id, product_code, kind
