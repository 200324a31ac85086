-- What the customer owes and can repay. Formulas as in profile.py. No hour of the day, no place, nobody else (C16).
SELECT c.customer_id,
    nullif(h.loan_fen, 0) AS loans_fen,
    nullif(h.repayment_fen, 0) AS instalments_fen,
    c.documented_monthly_income_fen IS NOT NULL AS income_documented,
    coalesce(h.repayment_fen, 0) / c.documented_monthly_income_fen AS debt_service_share,
    -- what is left of 55 % of the income: 商业银行房地产贷款风险管理指引 (CBRC 2004) art. 36
    CASE WHEN c.documented_monthly_income_fen IS NOT NULL
         THEN greatest(0, c.documented_monthly_income_fen * 55 // 100 - coalesce(h.repayment_fen, 0))
    END AS repayment_room_fen,
    h.card_owed_fen / nullif(h.card_limit_fen, 0) AS card_use_share,
    a.repayment_months AS months_repaid,
    h.loans_end_on AS loans_end_on
FROM customers c
SEMI JOIN subjects USING (customer_id)
LEFT JOIN held h USING (customer_id)
LEFT JOIN activity a USING (customer_id)
