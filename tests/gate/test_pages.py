def test_first(client):
    r = client.get("/masuk")
    print(r.get_data(as_text=True))
    assert r.status_code == 200
