-- Who the customer is, by his documents and contracts.
SELECT c.customer_id,
    CASE WHEN age < 25 THEN 'under_25' WHEN age < 35 THEN 'from_25' WHEN age < 45 THEN 'from_35'
         WHEN age < 55 THEN 'from_45' WHEN age < 65 THEN 'from_55' ELSE 'from_65' END AS age_band,
    nullif(c.gender, 'unknown') AS gender,
    date_sub('year', c.opened_on, getvariable('as_of')) AS tenure_years,
    -- a birthday of 29 February is kept on the 28th in other years
    c.birth_date + to_years(date_sub('year', c.birth_date, getvariable('as_of')) + 1) <= getvariable('as_of') + 30
        OR (month(c.birth_date) = month(getvariable('as_of')) AND day(c.birth_date) = day(getvariable('as_of')))
        AS birthday_soon,
    coalesce(g.services, 0) AS services_signed,
    list_contains(g.names, 'mobile_bank') AS has_mobile_bank,
    list_contains(g.names, 'payroll') AS payroll_contract,
    r.level AS risk_tolerance
FROM (SELECT *, date_sub('year', birth_date, getvariable('as_of')) AS age FROM customers) c
SEMI JOIN subjects USING (customer_id)
LEFT JOIN signed g USING (customer_id)
LEFT JOIN (
    SELECT customer_id, max_by(level, assessed_on) AS level, max_by(valid_until, assessed_on) AS valid_until
    FROM risk_assessments WHERE assessed_on <= getvariable('as_of') GROUP BY customer_id
) r ON r.customer_id = c.customer_id AND r.valid_until > getvariable('as_of')
