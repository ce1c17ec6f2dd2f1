"""The TWS messages in both directions, as pure functions over text fields (server versions 157 to 178).

Incoming: `decode.request(server_version, payload)` turns one frame's payload into a dataclass of `requests`,
named as IBKR's client method (`ReqMktData`, `PlaceOrder` ...). A message id the simulator does not serve
becomes `requests.UnknownRequest`; text that does not fit its layout raises `requests.MalformedRequest`, which
carries `message_id`, `request_id` (-1 where unknown) and `reason`.

Outgoing: each function below returns the message as `list[str]`, message id first; `wire.frame(fields)` makes
the bytes. Only layouts that depend on the server version take it, always as first argument. `None` for a
number means "not known" and is sent as IBKR sends it (empty, or its unset value).

    system       next_valid_id  managed_accounts  error  current_time  user_info  news_bulletin
    orders       order_status  open_order_end  order_bound  exec_details  exec_details_end  commission_report
                 completed_orders_end
    open_order   open_order  completed_order
    account      account_value  portfolio_value  account_update_time  account_download_end
                 position  position_end  position_multi  position_multi_end
                 account_summary  account_summary_end  account_update_multi  account_update_multi_end
                 pnl  pnl_single
    contracts    contract_data  contract_data_end  symbol_samples  market_rule
    market_data  tick_price  tick_size  tick_string  tick_generic  market_data_type  tick_req_params
                 tick_snapshot_end  historical_data  historical_data_update  head_timestamp

The layouts follow IBKR's own Python client (`ibapi/decoder.py`, `orderdecoder.py`, `client.py`).
"""
